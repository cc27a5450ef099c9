/** Watches a simulated run from above and throws at the first breach of safety. */
import type { ConsensusMessage } from '../../../chain/consensus/index.ts';
import { proposalBlockHash } from '../../../chain/consensus/messages.ts';
import type { Block } from '../../../chain/types.ts';
import { FedaiError, type Hex, toHex } from '../../../core/index.ts';

export interface Judge {
  built(block: Block): void;
  committed(node: string, block: Block): void;
  /** First sending by its own signer. */
  sent(node: string, message: ConsensusMessage): void;
  /** The first breach, if any: inside callbacks a throw could be swallowed. */
  breach(): FedaiError | undefined;
}

export function createJudge(): Judge {
  const built = new Set<Hex>();
  const decided = new Map<number, Hex>();
  const signed = new Map<string, string>();
  let breach: FedaiError | undefined;
  const fail = (code: string, message: string, data: Record<string, unknown>) => {
    breach ??= new FedaiError(code, message, data);
  };
  return {
    breach: () => breach,
    built: (block) => void built.add(toHex(block.header.hash())),
    committed(node, block) {
      const hash = toHex(block.header.hash());
      const height = Number(block.header.number);
      const other = decided.get(height) ?? hash;
      decided.set(height, hash);
      if (other !== hash) fail('FORK', 'two blocks at one height', { node, height, hash, other });
      if (!built.has(hash)) fail('INVENTED', 'nobody proposed this block', { node, height, hash });
    },
    sent(node, message) {
      const what = message.kind === 'vote' ? message.type : 'proposal';
      const slot = `${node}/${what}/${message.height}/${message.round}`;
      const content = toHex(message.signature);
      const other = signed.get(slot) ?? content;
      signed.set(slot, content);
      const block =
        message.kind === 'vote'
          ? message.blockHash && toHex(message.blockHash)
          : toHex(proposalBlockHash(message));
      if (other !== content) fail('DOUBLE_SIGNED', 'two signatures at one step', { slot, block });
    },
  };
}
