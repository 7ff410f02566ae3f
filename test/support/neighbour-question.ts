/** The frame by which a host asks who has an address, for both families. */
import { parseAddress } from '../../src/core/net/address.ts';
import { REQUEST, encodeArp } from '../../src/protocol/arp/frame.ts';
import { BROADCAST_MAC } from '../../src/protocol/ethernet.ts';
import { encodeSolicitation, macOfGroup, solicitedNodeGroup } from '../../src/protocol/ndp/message.ts';

/** From `mac`; the asking address of a solicitation is number 10 of the same /112. */
export function encodeQuestion(text: string, mac: number): Uint8Array {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  if (address.family === 'IPv4') {
    const request = {
      destination: BROADCAST_MAC,
      source: mac,
      operation: REQUEST,
      senderMac: mac,
      senderIp: 0,
    };
    return encodeArp({ ...request, targetMac: 0, targetIp: Number(address.value) });
  }
  const destination = solicitedNodeGroup(address.value);
  return encodeSolicitation({
    destinationMac: macOfGroup(destination),
    sourceMac: mac,
    source: ((address.value >> 16n) << 16n) | 0x10n,
    destination,
    target: address.value,
    sourceLinkLayer: mac,
  });
}
