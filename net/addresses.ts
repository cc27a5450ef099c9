/** Reading peer ids and multiaddresses that strangers wrote. */
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';

export function isMultiaddr(text: string): boolean {
  try {
    multiaddr(text);
    return text.length > 0;
  } catch {
    return false;
  }
}

export function isPeerId(text: string): boolean {
  try {
    peerIdFromString(text);
    return true;
  } catch {
    return false;
  }
}

/** The peer id that a multiaddress ends in, if it names one. */
export function peerIdIn(address: string): string | undefined {
  return multiaddr(address)
    .getComponents()
    .findLast((component) => component.name === 'p2p')?.value;
}
