import { publishedCoefficients } from '../models/opensora/coefficients.ts';
import { testPolicy } from './conformance.ts';

testPolicy('teacache', {
  conservative: { threshold: 0 },
  variants: {
    'raw change': { threshold: 0.5, coefficients: [1, 0] },
    fitted: { ...publishedCoefficients.teacache, threshold: 5 },
  },
});
