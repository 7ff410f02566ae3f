/** Runs controller, webhook or both in a cluster: from flags to parts. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { UserError } from '../api/user-error.ts';
import { faultOfTimings } from '../kube/election.ts';
import { CONTROLLER_METRICS } from '../platform/metric-names.ts';
import { WEBHOOK_PORT } from '../webhook/webhook.ts';
import type { ElectionFlags, WebhookFlags } from './control-flags.ts';
import { type ControlOptions, controlParts } from './control-parts.ts';
import { runInCluster } from './run-in-cluster.ts';

/** Until a signal; resolves with the exit code. Throws UserError for flags that do not fit together. */
export async function runControl(
  flags: WebhookFlags & Partial<ElectionFlags>,
  runs: ControlOptions['runs'],
): Promise<number> {
  const {
    namespace,
    lbClass,
    webhookPort: port = WEBHOOK_PORT,
    webhookUrl: url,
    shutdownDelayDuration: drainMs,
  } = flags;
  const election = electionOf(flags);
  return runInCluster(flags, {
    name: runs === 'webhook' ? 'webhook' : 'controller',
    metrics: CONTROLLER_METRICS,
    healthHost: '',
    build: (surroundings) =>
      controlParts({
        ...surroundings,
        namespace,
        lbClass,
        runs,
        ...(election === undefined ? {} : { election }),
        webhook: { host: '::', port, drainMs, matchConditions: true, ...(url === undefined ? {} : { url }) },
      }),
  });
}

function electionOf(flags: Partial<ElectionFlags>): ControlOptions['election'] {
  const {
    leaderElect = false,
    leaderElectLeaseDuration: leaseDurationMs = 0,
    leaderElectRenewDeadline: renewDeadlineMs = 0,
    leaderElectRetryPeriod: retryPeriodMs = 0,
    leaderElectResourceName: name = '',
  } = flags;
  if (!leaderElect) return undefined;
  const timings = { leaseDurationMs, renewDeadlineMs, retryPeriodMs };
  const fault = faultOfTimings(timings);
  if (fault !== undefined)
    throw new UserError(`--leader-elect-lease-duration, -renew-deadline, -retry-period: ${fault}`);
  const { METALLB_POD_NAME: pod = '' } = process.env;
  // Random, because a container that is restarted has the name of its predecessor, which may still be writing.
  return { name, timings, identity: `${pod === '' ? hostname() : pod}_${randomUUID()}` };
}
