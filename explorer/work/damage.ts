/** Spoils a bundle in one place, to show that the checks notice. */
import { type Bundle, decodeBundle, encodeBundle } from '../../pouw/index.ts';
import type { BundleReader } from '../../verify/index.ts';
import type { Damage } from './messages.ts';

const flipped = (bytes: Uint8Array, at: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte));

const SPOIL: Readonly<Record<Exclude<Damage, 'none' | 'bytes'>, (bundle: Bundle) => Bundle>> = {
  record: (bundle) => ({
    ...bundle,
    records: bundle.records.map((record, index) =>
      index === 0 ? { ...record, bytes: flipped(record.bytes, record.bytes.length >> 1) } : record,
    ),
  }),
  weight: (bundle) => ({
    ...bundle,
    startState: flipped(bundle.startState, bundle.startState.length >> 1),
  }),
  end: (bundle) => ({ ...bundle, endRoot: flipped(bundle.endRoot, 0) }),
};

/** Spoils what was fetched, after its id was checked. */
export function damaging(reader: BundleReader, damage: Damage): BundleReader {
  if (damage === 'none' || damage === 'bytes') return reader;
  return {
    async getBytes(cid, options) {
      const bytes = await reader.getBytes(cid, options);
      return encodeBundle(SPOIL[damage](decodeBundle(bytes, options.maxBytes)));
    },
  };
}

/** A gateway that turns one bit of whatever it sends. */
export const lyingFetch: typeof fetch = async (url, init) => {
  const response = await fetch(url, init);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return new Response(flipped(bytes, bytes.length >> 1), { status: response.status });
};
