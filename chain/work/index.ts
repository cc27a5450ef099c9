export { type CaseFile, readCases } from './cases.ts';
export {
  AUDIT_STATES,
  type AuditRow,
  askCourt,
  askWork,
  CASE_STATES,
  type CaseRecord,
  type DrawRow,
  FATES,
  type TraceRow,
  ZERO_ADDRESS,
} from './contracts.ts';
export { createWorkDesk, type WorkDesk } from './desk.ts';
export { bundleText } from './keep.ts';
export { claimOf, type Opening, readOpenings } from './openings.ts';
