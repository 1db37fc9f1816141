/** What the server and the studio say to each other: the server's own types, so that the two cannot drift apart. */
export type {
  Capabilities,
  CreateVideo,
  ErrorBody,
  ModelCapabilities,
  ModelObject,
  ProfileDescription,
  Progress,
  ServerEvent,
  StepKind,
  Variant,
  Video,
  VideoList,
} from '../../../src/serve/api.ts';
export type { TraceDocument } from '../../../src/trace/document.ts';
