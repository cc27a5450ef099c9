/** Leaves content blocks on the chain node that served the page. */
import { FedaiError, sleep } from '../../core/index.ts';

export interface Block {
  readonly cid: string;
  readonly bytes: Uint8Array;
}

export interface UploadOptions {
  /** Where the node asks for one. */
  token: string;
  onStored: (cid: string) => Promise<unknown> | unknown;
}

const AT_ONCE = 3;
const LONGEST_WAIT_MS = 8_000;
/** Of a node that is away or busy: half an hour altogether. */
const ATTEMPTS = 240;

/** Throws `NO_INTAKE`, `BAD_TOKEN`, `NODE_FULL` or what else the node says; outages are waited out. */
export async function upload(blocks: readonly Block[], options: UploadOptions): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < blocks.length) {
      const block = blocks[next++]!;
      await store(block, options.token);
      await options.onStored(block.cid);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

async function store({ cid, bytes }: Block, token: string): Promise<void> {
  let waitMs = 500;
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(`/ipfs/${cid}`, {
      method: 'PUT',
      headers: {
        'content-type': 'application/vnd.ipld.raw',
        ...(token !== '' && { authorization: `Bearer ${token}` }),
      },
      body: new Uint8Array(bytes),
    }).catch(() => undefined);
    if (answer?.ok) return;
    const isPassing = answer === undefined || answer.status === 429 || answer.status === 502;
    if (!isPassing || attempt >= ATTEMPTS) throw await refusal(answer);
    await sleep(waitMs);
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
  }
}

const CODES: Readonly<Record<number, readonly [code: string, remedy: string]>> = {
  401: ['BAD_TOKEN', 'Enter the token that whoever runs this chain node gave you.'],
  403: [
    'NO_INTAKE',
    'Open this page on a chain node of your own machine (`fedai chain run --accept-content`).',
  ],
  404: [
    'NO_INTAKE',
    'Open this page on a chain node that takes content (`fedai chain run --accept-content`).',
  ],
  405: [
    'NO_INTAKE',
    'Open this page on a chain node that takes content (`fedai chain run --accept-content`).',
  ],
  507: ['NODE_FULL', 'Try another chain node, or use `fedai data import` and `fedai job post`.'],
};

async function refusal(answer: Response | undefined): Promise<FedaiError> {
  if (answer === undefined)
    return new FedaiError(
      'NODE_AWAY',
      'the chain node does not answer',
      {},
      {
        transient: true,
        remedy: 'Go on when it is back: what it has is not sent again.',
      },
    );
  const [code, remedy] = CODES[answer.status] ?? ['UPLOAD_FAILED', 'Try again.'];
  const told = (await answer.json().catch(() => ({}))) as { error?: unknown };
  return new FedaiError(
    code,
    `the chain node took no content: ${String(told.error ?? answer.status).slice(0, 200)}`,
    { status: answer.status },
    { remedy },
  );
}
