export { askWork, type DrawRow, FATES, type TraceRow, ZERO_ADDRESS } from './contracts.ts';
export { createWorkDesk, type WorkDesk } from './desk.ts';
export { bundleText } from './keep.ts';
export { claimOf, type Opening, readOpenings } from './openings.ts';
