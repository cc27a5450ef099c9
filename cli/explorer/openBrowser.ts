/** Opens an address in the person's browser, where there is one. */
import { spawn } from 'node:child_process';
import type { Log } from '../../core/index.ts';

const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

export function openBrowser(url: string, log: Log): void {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => log.warn('no browser opens here; open the address by hand', { url }));
  child.unref();
}
