/** Waits for the verdict of a devnet that runs with `--json`. */
import type { ChildProcess } from 'node:child_process';

/** Resolves with the `done` event; rejects with the end of the log when the devnet ends without one. */
export function lastEvent<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    let out = '';
    let log = '';
    child.stderr!.setEncoding('utf8').on('data', (text) => {
      log = (log + text).slice(-4_000);
    });
    child.stdout!.setEncoding('utf8').on('data', (text) => {
      out += text;
      const lines = out.split('\n');
      out = lines.pop()!;
      const event = lines.map((line) => JSON.parse(line)).find((line) => line.event === 'done');
      if (event) resolve(event);
    });
    child.on('close', (code) => reject(new Error(`devnet ended with code ${code}: ${log}`)));
  });
}
