/**
 * core/announce decides which node answers for a Service's addresses, and on which interfaces. Every speaker decides for
 * itself, from the same objects and the same list of living speakers, so nothing has to be agreed on: as long as they see
 * the same they come to the same result. It is MetalLB's result, node for node (MetalLB speaker/layer2_controller.go), so
 * that the two can be exchanged without an address moving.
 *
 * What must hold: of all speakers with the same facts exactly one announces an address, or none with a reason.
 *
 * This file is the order of the candidates.
 */

/** SHA-256 of the text's UTF-8 bytes, 32 bytes; handed in, since core computes nothing that needs a library. */
export type Sha256 = (text: string) => Uint8Array;

/**
 * True where `self` comes first: highest score, then lowest SHA-256 of `node#address`. `address` is the canonical text of
 * the Service's first address only, so both addresses of a dual-stack Service are on one node. `self` is one of the
 * candidates.
 */
export function isElected(
  self: string,
  candidates: Iterable<string>,
  scoreOf: (node: string) => number,
  address: string,
  sha256: Sha256,
): boolean {
  const own = sha256(`${self}#${address}`);
  const ownScore = scoreOf(self);
  // Ends at the first that is better: with many nodes most elections need only a few hashes.
  for (const other of candidates) {
    const difference = other === self ? -1 : scoreOf(other) - ownScore;
    if (difference > 0) return false;
    if (difference === 0 && compareBytes(sha256(`${other}#${address}`), own) < 0) return false;
  }
  return true;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (const [i, byte] of a.entries()) {
    const difference = byte - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
