export { createEvidenceReporter, type EvidenceReporter, type EvidenceStatus } from './reporter.ts';
