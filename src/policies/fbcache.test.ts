import { testPolicy } from './conformance.ts';

testPolicy('fbcache', { conservative: { threshold: 0 }, variants: { loose: { threshold: 0.6 } } });
