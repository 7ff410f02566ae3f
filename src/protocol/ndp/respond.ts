/** Which solicitations are answered, and what is said unasked (RFC 4861 section 7.2, MetalLB internal/layer2/ndp.go). */
import type { Mac } from '../ethernet.ts';
import { ALL_NODES, UNSPECIFIED, isMulticast, macOfGroup } from './message.ts';
import type { Ipv6, NeighborAdvertisement, NeighborSolicitation } from './message.ts';

/**
 * The advertisement with which the interface with address `mac` answers, or undefined. `answers` says for which addresses it
 * does.
 *
 * Solicitations sent to our own MAC count as well as those to the group: caches are probed by unicast. Different from MetalLB:
 * a message without the sender's hardware address is answered to where it came from; a probe for duplicates is answered to
 * all nodes (section 7.2.4), so that nobody takes the address, as ARP probes are; the override flag is set, since a
 * neighbour that asks while it remembers another node is to believe this one; and the answer comes from the address itself,
 * as Linux does for its own and ndisc6 expects, not from the node's link-local address.
 */
export function respondNdp(
  request: NeighborSolicitation,
  mac: Mac,
  answers: (ip: Ipv6) => boolean,
): NeighborAdvertisement | undefined {
  const { source, sourceMac, sourceLinkLayer, destination, destinationMac, target } = request;
  if (!isMulticast(destination) && destination !== target) return undefined;
  if (destinationMac !== mac && destinationMac !== macOfGroup(destination)) return undefined;
  if (sourceMac === mac || !answers(target)) return undefined;
  if (source === UNSPECIFIED) return unsolicitedAdvertisement(target, mac);
  return {
    destinationMac: sourceLinkLayer ?? sourceMac,
    sourceMac: mac,
    source: target,
    destination: source,
    target,
    targetLinkLayer: mac,
    solicited: true,
    override: true,
  };
}

/** What tells everybody on the link that `target` is now at `mac` (section 7.2.6). */
export function unsolicitedAdvertisement(target: Ipv6, mac: Mac): NeighborAdvertisement {
  return {
    destinationMac: macOfGroup(ALL_NODES),
    sourceMac: mac,
    source: target,
    destination: ALL_NODES,
    target,
    targetLinkLayer: mac,
    solicited: false,
    override: true,
  };
}
