/** `quantcache/doctor`: what there is to know about an installation when something goes wrong. */
export { clearCaches, type Kept, listCaches } from '../caches.ts';
export {
  cachesReport,
  machineReport,
  type SelfTest,
  testDemoModel,
  testIntegerProducts,
  versionsReport,
} from '../doctor.ts';
