/** Bundles that lie: damaged bytes, fields of other segments, documents and manifests whose hashes are right and whose words are not. */
import { parseJson, sha256, utf8 } from '../../core/index.ts';
import { type Bundle, encodeBundle, type OpenedRecord, type SegmentClaim } from '../../pouw/index.ts';
import { createMemoryStore } from '../../storage/index.ts';
import { bytesOf, damage, type Random } from './mutate.ts';
import { below } from './trees.ts';

export interface Honest {
  readonly bundle: Bundle;
  readonly claim: SegmentClaim;
}

export interface Lie {
  readonly bytes: Uint8Array;
  readonly claim: SegmentClaim;
  /** The chain itself has the lying document: whether a bundle of it holds is not known beforehand. */
  readonly isPosted: boolean;
}

const pick = <T>(next: Random, from: readonly T[]): T => from[below(next, from.length)]!;

function twistPath(next: Random, path: readonly Uint8Array[]): Uint8Array[] {
  const at = below(next, path.length + 1);
  const kind = below(next, 4);
  if (kind === 0) return path.toSpliced(at, 1);
  if (kind === 1) return path.toSpliced(at, 0, bytesOf(next, 32));
  if (kind === 2) return path.toReversed();
  return Array.from({ length: below(next, 40) }, () => bytesOf(next, 32));
}

function twistRecords(next: Random, records: readonly OpenedRecord[]): OpenedRecord[] {
  const at = below(next, records.length);
  const one = records[at]!;
  const kinds: (() => OpenedRecord[])[] = [
    () => records.toSpliced(at, 1),
    () => records.toSpliced(at, 0, one),
    () => records.toReversed(),
    () => records.with(at, { ...one, index: below(next, 2 ** 32) }),
    () => records.with(at, { ...one, bytes: damage(one.bytes, next) }),
    () => records.with(at, { ...one, path: twistPath(next, one.path) }),
    () => records.with(at, { ...one, bytes: one.bytes.with(one.bytes.length - 1, below(next, 256)) }),
    () => [],
  ];
  return pick(next, kinds)();
}

function twistClaim(next: Random, claim: SegmentClaim): SegmentClaim {
  const kinds: Partial<SegmentClaim>[] = [
    { segment: below(next, 6) },
    { round: below(next, 5) },
    { slot: below(next, 4) },
    { segments: below(next, 9) },
    { seed: bytesOf(next, 32) },
    { traceRoot: bytesOf(next, 32) },
    { jobId: BigInt(below(next, 9)) },
  ];
  return { ...claim, ...pick(next, kinds) };
}

/** One lie, deterministic in `next`. `others`: bundles to take fields from. */
export async function lieOf(next: Random, honest: readonly Honest[]): Promise<Lie> {
  const { bundle, claim } = pick(next, honest);
  const other = pick(next, honest).bundle;
  const field = pick(next, Object.keys(bundle) as (keyof Bundle)[]);
  const told = (lie: Partial<Bundle>) => ({
    bytes: encodeBundle({ ...bundle, ...lie }),
    claim,
    isPosted: false,
  });
  switch (below(next, 10)) {
    case 0:
      return { ...told({}), bytes: damage(encodeBundle(bundle), next) };
    case 1:
      return told({ [field]: other[field] });
    case 2:
      return told({ records: twistRecords(next, bundle.records) });
    case 3:
      return told({ startPath: twistPath(next, bundle.startPath) });
    case 4:
      return told({ endPath: twistPath(next, bundle.endPath), endRoot: pick(next, honest).bundle.endRoot });
    case 5:
      return told({ startState: damage(bundle.startState, next) });
    case 6:
      return { ...told({}), claim: twistClaim(next, claim) };
    case 7:
      return posted(bundle, claim, damage(bundle.document, next));
    case 8:
      return await withManifest(next, bundle, claim);
    default:
      return posted(bundle, claim, oddNumber(next, bundle.document));
  }
}

const posted = (bundle: Bundle, claim: SegmentClaim, document: Uint8Array): Lie => ({
  bytes: encodeBundle({ ...bundle, document }),
  claim: { ...claim, documentHash: sha256(document) },
  isPosted: true,
});

/** A document that asks for more than it should: sizes, steps and limits far off. */
function oddNumber(next: Random, document: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(document);
  const numbers = [...text.matchAll(/:(\d+)/g)];
  const at = pick(next, numbers);
  const odd = pick(next, ['0', '1', '4096', '1000000', '2147483647', '4294967296', '9007199254740991']);
  return utf8(`${text.slice(0, at.index + 1)}${odd}${text.slice(at.index + at[0].length)}`);
}

/** A document that names another manifest, whose content id is right. */
async function withManifest(next: Random, bundle: Bundle, claim: SegmentClaim): Promise<Lie> {
  const manifest = next() < 0.5 ? oddNumber(next, bundle.manifest) : damage(bundle.manifest, next);
  const cid = await (await createMemoryStore()).putBytes(manifest);
  const named = (parseJson(bundle.document, 2 ** 20) as { data: { train: { manifest: string } } }).data.train;
  const text = new TextDecoder().decode(bundle.document).replaceAll(named.manifest, cid);
  return posted({ ...bundle, manifest }, claim, utf8(text));
}
