/**
 * Which names a caller may know this endpoint by. A web page can point a name of its own at this machine (DNS
 * rebinding) and so speak to a loopback port as to its own origin; its requests still carry that name.
 */
import { isIP } from 'node:net';

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** `header`: the Host header; `bound`: the address listened on; names of allowed origins pass too. */
export function isKnownHost(header: string | undefined, bound: string, origins: readonly string[]): boolean {
  // Bound elsewhere, the operator serves others anyway; without the header it is no browser.
  if (!LOOPBACK.test(bound) || header === undefined || origins.includes('*')) return true;
  const name = hostnameOf(`http://${header}`);
  if (name === undefined) return false;
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0 || name === 'localhost' || name.endsWith('.localhost'))
    return true;
  return origins.some((origin) => hostnameOf(origin) === name);
}

const hostnameOf = (url: string): string | undefined =>
  URL.canParse(url) ? new URL(url).hostname : undefined;
