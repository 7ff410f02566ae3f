/**
 * A program that does the least of what a controller does when it starts: it lists all Services of the kubeconfig that is its
 * argument, over the same transport and with the same limits to its heap, and prints what that took.
 */
import { SERVICES } from '../../src/api/kubernetes.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { keepHeapSmall } from '../../src/platform/heap.ts';
import { RecordingLog } from './recording-log.ts';

export interface BareListing {
  /** From before the first connection to the last object decoded. */
  readonly ms: number;
  readonly cpuS: number;
}

if (import.meta.main) {
  keepHeapSmall();
  const [, , kubeconfig] = process.argv;
  const log = new RecordingLog();
  const client = await connect({ kubeconfig, log, clock: systemClock, userAgent: 'cleat-bench' });
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await client.list(SERVICES);
  const { user, system } = process.cpuUsage(before);
  const listing: BareListing = { ms: performance.now() - startedMs, cpuS: (user + system) / 1e6 };
  console.log(JSON.stringify(listing));
  await client.close();
}
