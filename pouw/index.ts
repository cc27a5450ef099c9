export {
  type Announcement,
  decodeAnnouncement,
  encodeAnnouncement,
  MAX_ANNOUNCEMENT_BYTES,
  workTopic,
} from './announcement.ts';
export { type Bundle, decodeBundle, encodeBundle, type OpenedRecord } from './bundle.ts';
export { type DrawInput, type Drawn, drawWork, type WeighedTrace } from './draw.ts';
export { isStateOf, type StateRootList, statePath, type TraceClaim, traceClaim } from './trace.ts';
export {
  CHECKS,
  type CheckName,
  type SegmentClaim,
  segmentBatches,
  type Verified,
  type VerifyOptions,
  verifyBundle,
} from './verify.ts';
