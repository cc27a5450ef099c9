/** What both kinds of checks stand on: headers that the validators committed, the state under them, the bundle. */
import { CID } from 'multiformats/cid';
import { type ConsensusSection, type HeaderFields, verifyHeader } from '../light/index.ts';
import { type Bundle, decodeBundle, type SegmentClaim } from '../pouw/index.ts';
import { demand, type WorkGiven } from './check.ts';
import type { WorkTerms } from './source.ts';
import { type ProvenState, type ProvenTrace, provenState } from './state.ts';

export interface Committed {
  header: HeaderFields;
  section: ConsensusSection;
  /** Validators of that height. */
  signers: number;
}

export async function committed({ source, trusted }: WorkGiven, height: number): Promise<Committed> {
  const evidence = await source.header(height);
  const chainId = trusted?.chainId ?? (await source.chainId());
  const set = trusted?.validators ?? (await source.validators(height));
  const checked = verifyHeader({ chainId, set, ...evidence });
  demand(checked.ok, checked.ok ? '' : `block ${height}: ${checked.reason}`);
  demand(checked.header.number === height, `the RPC gave block ${checked.header.number}`);
  return { header: checked.header, section: evidence.section, signers: set.length };
}

export async function termsIn({ source, trusted }: WorkGiven): Promise<WorkTerms> {
  const terms = trusted === undefined ? await source.terms() : trusted.work;
  demand(terms !== null, 'the blocks of this chain carry no proofs of work');
  return terms;
}

export const stateUnder = ({ source }: WorkGiven, { header }: Committed, terms: WorkTerms): ProvenState =>
  provenState(source, header, terms.contracts);

/** What a bundle is checked against: the place of the trace, seed and document of its job. */
export async function claimIn(
  state: ProvenState,
  trace: ProvenTrace,
  segment: number,
): Promise<SegmentClaim> {
  const { seed, documentHash, postedAt } = await state.job(trace.jobId);
  demand(
    documentHash.some((byte) => byte > 0),
    `the contracts have no job ${trace.jobId}`,
  );
  const { jobId, round, slot, segments, root } = trace;
  return { jobId, seed, documentHash, postedAt, round, slot, traceRoot: root, segments, segment };
}

export const claimText = ({ round, slot, segment, segments }: SegmentClaim): string =>
  `segment ${segment} of the ${segments} of slot ${slot} in round ${round}`;

export async function fetchBundle(
  { content }: WorkGiven,
  cid: Uint8Array,
  { limits: { maxBundleBytes } }: WorkTerms,
): Promise<{ bundle: Bundle; detail: string }> {
  const id = CID.decode(cid).toString();
  const bytes = await content.getBytes(id, { maxBytes: maxBundleBytes });
  const bundle = decodeBundle(bytes, maxBundleBytes);
  return { bundle, detail: `${bytes.length} bytes under the content id that the header names, ${id}` };
}
