/** `quantcache/trace`: what was decided where, as a file, in numbers and as a picture. */
export {
  parseTraceDocument,
  summarizeDocument,
  type TraceDocument,
  traceDocument,
  tracePurpose,
} from '../trace/document.ts';
export { decisionMap } from '../trace/map.ts';
export { summarize, summaryLines, type TraceSummary } from '../trace/summary.ts';
export { createTrace, type Decision, type Trace } from '../trace.ts';
export { pngOfSvg } from '../video/svg.ts';
