export {
  type Announcement,
  type AnnouncementContent,
  type AuditAnnouncement,
  announcerOf,
  type CaseAnnouncement,
  decodeAnnouncement,
  encodeAnnouncement,
  isAnnounceTick,
  MAX_ANNOUNCEMENT_BYTES,
  signAnnouncement,
  type WorkAnnouncement,
  workTopic,
} from './announcement.ts';
export { type AuditDraw, auditCommitment, auditSegments, isAudited } from './audit.ts';
export { type Bundle, decodeBundle, encodeBundle, type OpenedRecord } from './bundle.ts';
export { type DrawInput, type Drawn, drawWork, type WeighedTrace } from './draw.ts';
export { auditDigest } from './segment.ts';
export { isStateOf, type StateRootList, statePath, type TraceClaim, traceClaim } from './trace.ts';
export {
  CHECKS,
  type CheckName,
  type Proved,
  type Refuted,
  type SegmentClaim,
  segmentBatches,
  type Unfit,
  type Verified,
  type VerifyOptions,
  verifyBundle,
} from './verify.ts';
