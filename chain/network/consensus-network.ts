/** Consensus messages over gossip, block bodies over streams. Owns no verification of signatures: that is the driver's intake. */
import type { Common } from '@ethereumjs/common';
import { type Log, reject } from '../../core/index.ts';
import type { Peer } from '../../storage/index.ts';
import { type ConsensusMessage, decodeConsensusMessage, encodeConsensusMessage } from '../consensus/index.ts';
import type { ConsensusNetwork } from '../types.ts';
import { fetchBlock } from './block-protocol.ts';
import { consensusTopic } from './topics.ts';

export interface ConsensusNetworkInput {
  peer: Peer;
  chainId: bigint;
  common: Common;
  log: Log;
}

export function createConsensusNetwork({
  peer,
  chainId,
  common,
  log,
}: ConsensusNetworkInput): ConsensusNetwork<ConsensusMessage> {
  const topic = consensusTopic(chainId);
  const chainPeers = () => peer.gossip.listeners(topic);
  return {
    broadcast(message) {
      peer.gossip.publish(topic, encodeConsensusMessage(message)).catch((error) => {
        log.debug('consensus message not sent', { kind: message.kind, error });
      });
    },
    fetchBlock: (hash, from) => fetchBlock(peer, hash, from, { common, log, chainPeers }),
    onMessage(handler) {
      peer.gossip.subscribe(topic, async (bytes, from) => {
        let message: ConsensusMessage;
        try {
          message = decodeConsensusMessage(bytes);
        } catch {
          return reject('not a consensus message');
        }
        return handler(message, from);
      });
    },
  };
}
