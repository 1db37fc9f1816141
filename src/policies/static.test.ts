import { testPolicy } from './conformance.ts';

testPolicy('static', {
  conservative: { every: 1 },
  variants: { default: {}, masked: { mask: '8-1-3-2-3-2-2-2-1-3-1' } },
});
