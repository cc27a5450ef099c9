/** How an error is shown: what happened, why, what to do. For people as lines, for programs as one event. */
import { FedaiError, hostFault } from '../core/index.ts';
import { systemCode } from './exit.ts';

export interface ErrorReport {
  code: string;
  message: string;
  /** Messages of the causes, outermost first. */
  causes: string[];
  remedy?: string;
  data: Record<string, unknown>;
}

/** What to do about errors of the operating system, which carry no remedy of their own. */
const SYSTEM_REMEDIES: Record<string, string> = {
  ENOENT: 'check the path; the file or folder does not exist',
  EACCES: 'check who owns the file or folder and its permissions',
  EISDIR: 'give a file, not a folder',
  ENOTDIR: 'give a folder, not a file',
  EADDRINUSE: 'another program uses this port; stop it or choose another port',
  ECONNREFUSED: 'check the address and that the chain node runs (`fedai chain run`), then try again',
};

/** Causes are followed this deep; libraries wrap without end. */
const MAX_CAUSES = 4;

export function reportOf(thrown: unknown): ErrorReport {
  const error = hostFault(thrown) ?? thrown;
  const code = systemCode(error) || 'INTERNAL';
  const remedy = (error instanceof FedaiError && error.remedy) || SYSTEM_REMEDIES[rootSystemCode(error)];
  return {
    code,
    message: error instanceof Error ? error.message : String(error),
    causes: causesOf(error),
    ...(remedy && { remedy }),
    data: error instanceof FedaiError ? error.data : {},
  };
}

export function formatReport({ code, message, causes, remedy, data }: ErrorReport): string {
  const values = Object.entries(data).map(([key, value]) => `${key}=${shown(value)}`);
  const lines = [`error: ${message}${values.length > 0 ? ` (${values.join(', ')})` : ''} [${code}]`];
  for (const cause of causes) lines.push(`  cause: ${cause}`);
  if (remedy) lines.push(`  remedy: ${remedy}`);
  return lines.join('\n');
}

function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let current = error instanceof Error ? error.cause : undefined;
  while (current !== undefined && causes.length < MAX_CAUSES) {
    const text = current instanceof Error ? current.message : shown(current);
    causes.push(text.replace(/\s+/g, ' ').trim().slice(0, 300));
    current = current instanceof Error ? current.cause : undefined;
  }
  return causes;
}

function rootSystemCode(error: unknown): string {
  let current = error;
  for (let depth = 0; depth <= MAX_CAUSES && current instanceof Error; depth++) {
    const code = systemCode(current);
    if (code in SYSTEM_REMEDIES) return code;
    current = current.cause;
  }
  return '';
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, 200);
  const plain = (_key: string, item: unknown) => (typeof item === 'bigint' ? item.toString() : item);
  return (JSON.stringify(value, plain) ?? String(value)).slice(0, 200);
}
