import { testPolicy } from './conformance.ts';

testPolicy('full', { conservative: {}, variants: {} });
