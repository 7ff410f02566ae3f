/** Under which names and addresses the embedded API server is called. */
import { networkInterfaces } from 'node:os';

export const LOOPBACK = '127.0.0.1';
const EVERY_ADDRESS: readonly string[] = ['0.0.0.0', '::'];

/** The names and addresses clients may call the server by. */
export function hostsOf(host: string): string[] {
  const addresses = EVERY_ADDRESS.includes(host)
    ? Object.values(networkInterfaces()).flatMap((all) =>
        (all ?? []).flatMap(({ address, scopeid }) => (scopeid ? [] : [address])),
      )
    : [host];
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  return [...new Set([...names, LOOPBACK, '::1', ...addresses])];
}

/** Nobody can call the wildcard address; on this machine loopback stands for it. */
export function reachable(url: string): string {
  return url.replace('//0.0.0.0:', `//${LOOPBACK}:`).replace('//[::]:', '//[::1]:');
}
