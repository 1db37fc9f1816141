import { testPolicy } from './conformance.ts';

testPolicy('tgate', {
  conservative: { gate: 1000, planning: 1 },
  variants: { default: {}, early: { gate: 5, planning: 2, improving: 2, warmup: 1 } },
});
