export { createWorkDesk, type WorkDesk } from './desk.ts';
export { type Opening, readOpenings } from './openings.ts';
