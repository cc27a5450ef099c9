/**
 * Serves the explorer's built files under `/explorer`: read once, kept packed, with a policy that lets the page load and
 * call nothing but the origin it came from. Owns no content of the pages.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Answer, json } from './http.ts';

export interface Pages {
  /** The answer for a path under `/explorer`; undefined for any other path. */
  answer(pathname: string, acceptEncoding: string | undefined): Answer | undefined;
}

interface PackedFile {
  readonly type: string;
  readonly plain: Uint8Array;
  readonly packed: Uint8Array;
}

const PREFIX = '/explorer';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/**
 * What a stranger's text on a page could still do if it ever got past escaping: nothing that leaves this origin.
 * WebAssembly is compiled in the page's worker, where proofs are executed again.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** `folder`: what the build left; pages that are not built answer with how to build them. */
export async function openPages(folder: string): Promise<Pages> {
  const files = existsSync(join(folder, 'index.html')) ? await readFiles(folder) : new Map();
  return {
    answer(pathname, acceptEncoding) {
      if (pathname !== PREFIX && !pathname.startsWith(`${PREFIX}/`)) return undefined;
      const name = pathname.slice(PREFIX.length + 1);
      // Every address of a page is the one application, which reads the address itself.
      const isAsset = name.startsWith('assets/');
      const file = files.get(isAsset ? name : 'index.html');
      if (file !== undefined) return fileAnswer(file, isAsset, acceptEncoding);
      return json(404, { error: 'not found', remedy: isAsset ? 'reload the page' : 'run `npm run build`' });
    },
  };
}

function fileAnswer(
  { type, plain, packed }: PackedFile,
  isAsset: boolean,
  acceptEncoding: string | undefined,
): Answer {
  const isPacked = packed.length < plain.length && /\bgzip\b/.test(acceptEncoding ?? '');
  return {
    status: 200,
    type,
    body: isPacked ? packed : plain,
    headers: {
      ...HEADERS,
      vary: 'accept-encoding',
      // Names of assets carry their hash.
      'cache-control': isAsset ? 'public, max-age=31536000, immutable' : 'no-cache',
      ...(isPacked && { 'content-encoding': 'gzip' }),
    },
  };
}

async function readFiles(folder: string): Promise<Map<string, PackedFile>> {
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll('\\', '/'));
  const known = names.filter((name) => extname(name) in TYPES);
  const files = await Promise.all(
    known.map(async (name): Promise<[string, PackedFile]> => {
      const plain = await readFile(join(folder, name));
      return [name, { type: TYPES[extname(name)]!, plain, packed: await promisify(gzip)(plain) }];
    }),
  );
  return new Map(files);
}
