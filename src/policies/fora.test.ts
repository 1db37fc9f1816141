import { testPolicy } from './conformance.ts';

testPolicy('fora', {
  conservative: { interval: 1 },
  variants: { default: {}, attention: { modules: ['spatial-attention'] } },
});
