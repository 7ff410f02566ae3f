/** Runs controller, webhook or both in a cluster: from flags to parts. */
import { randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { createSecureContext } from 'node:tls';
import type { Level } from '../api/findings.ts';
import { UserError } from '../api/user-error.ts';
import { faultOfTimings } from '../kube/election.ts';
import { CONTROLLER_METRICS } from '../platform/metric-names.ts';
import { type ControlOptions, controlParts } from './control-parts.ts';
import type { ElectionFlags } from './election-flags.ts';
import { type ClusterFlags, runInCluster } from './run-in-cluster.ts';

/** The flags of the verbs with a webhook, as commander names them. */
export interface ControlFlags extends ClusterFlags {
  readonly enforce: Level;
  readonly webhookUrl?: string;
  readonly webhookPort: number;
  readonly disableCertRotation: boolean;
  readonly certServiceName: string;
  readonly webhookSecret: string;
  readonly clientCaFile?: string;
  /** Milliseconds. */
  readonly shutdownDelayDuration: number;
  readonly mlSecretName?: string;
  /** Of the verb `controller`. */
  readonly concurrentServiceSyncs?: number;
}

/** Until a signal; resolves with the exit code. Throws UserError for flags that do not fit together. */
export async function runControl(
  flags: ControlFlags & Partial<ElectionFlags>,
  runs: ControlOptions['runs'],
): Promise<number> {
  const {
    namespace,
    lbClass,
    bgpType,
    webhookPort: port,
    webhookUrl: url,
    shutdownDelayDuration: drainMs,
    enforce: defaultLevel,
    mlSecretName: memberlistSecret = '',
    concurrentServiceSyncs: concurrency,
    disableCertRotation,
    certServiceName: serviceName,
    webhookSecret: secretName,
    clientCaFile = '',
  } = flags;
  const clientCaPem = clientCaFile === '' ? undefined : readAuthority(clientCaFile);
  const election = electionOf(flags);
  return runInCluster(flags, {
    name: runs === 'webhook' ? 'webhook' : 'controller',
    metrics: CONTROLLER_METRICS,
    healthHost: '',
    drainMs,
    build: ({ tls, ...surroundings }) =>
      controlParts({
        ...surroundings,
        namespace,
        lbClass,
        bgpType,
        concurrency,
        runs,
        memberlistSecret,
        ...(election === undefined ? {} : { election }),
        webhook: {
          defaultLevel,
          host: '::',
          serviceName,
          secretName,
          port,
          drainMs,
          disableCertRotation,
          tls,
          ...(clientCaPem === undefined ? {} : { clientCaPem }),
          ...(url === undefined ? {} : { url }),
        },
      }),
  });
}

/** Throws UserError for a file that cannot be read or holds no certificate. */
function readAuthority(file: string): string {
  try {
    const pem = readFileSync(file, 'utf8');
    createSecureContext({ ca: pem });
    if (new X509Certificate(pem).ca) return pem;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`--client-ca-file ${file} cannot be used: ${why}`);
  }
  throw new UserError(`--client-ca-file ${file} is not the certificate of an authority`);
}

function electionOf(flags: Partial<ElectionFlags>): ControlOptions['election'] {
  const {
    leaderElect = false,
    leaderElectLeaseDuration: leaseDurationMs = 0,
    leaderElectRenewDeadline: renewDeadlineMs = 0,
    leaderElectRetryPeriod: retryPeriodMs = 0,
    leaderElectResourceName: name = '',
    podName = '',
  } = flags;
  if (!leaderElect) return undefined;
  const timings = { leaseDurationMs, renewDeadlineMs, retryPeriodMs };
  const fault = faultOfTimings(timings);
  if (fault !== undefined)
    throw new UserError(`--leader-elect-lease-duration, -renew-deadline, -retry-period: ${fault}`);
  // Random, because a container that is restarted has the name of its predecessor, which may still be writing.
  return { name, timings, identity: `${podName === '' ? hostname() : podName}_${randomUUID()}` };
}
