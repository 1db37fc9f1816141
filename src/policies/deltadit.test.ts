import { testPolicy } from './conformance.ts';

testPolicy('deltadit', {
  conservative: { interval: 1 },
  variants: { default: {}, quarter: { share: 0.25, interval: 3, boundary: 0.7 } },
});
