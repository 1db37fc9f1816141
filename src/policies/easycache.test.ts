import { testPolicy } from './conformance.ts';

testPolicy('easycache', {
  conservative: { threshold: 0 },
  variants: { default: { threshold: 5 }, 'short warm-up': { threshold: 1, warmup: 2 } },
});
