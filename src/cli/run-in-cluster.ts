/** What the verbs that run in a cluster have in common: a log, a client, metrics, probes and a life until a signal. */
import type { BgpType } from '../core/config/bgp-type.ts';
import { connect } from '../kube/client.ts';
import { systemClock } from '../platform/clock.ts';
import { HealthServer } from '../platform/health-server.ts';
import { keepHeapSmall } from '../platform/heap.ts';
import { type Part, runUntilSignalled } from '../platform/lifecycle.ts';
import { createLog } from '../platform/log.ts';
import { createMeter, type MetricDeclaration } from '../platform/metrics.ts';
import { parseTlsFlags, type TlsFlags, type TlsSettings } from '../platform/tls-settings.ts';
import { parseYaml } from '../platform/yaml.ts';
import type { Clock, KubeClient, Log, Meter } from '../ports.ts';
import { type MetricsFlags, secureMetrics } from './metrics-https.ts';
import { VERSION } from './version.ts';

/** The flags of flags.ts that every such verb has, as commander names them. */
export interface ClusterFlags extends MetricsFlags, TlsFlags {
  readonly kubeconfig?: string;
  readonly namespace: string;
  readonly lbClass?: string;
  readonly bgpType: BgpType;
  readonly logLevel: string;
  readonly healthProbePort: number;
}

export interface Surroundings {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** What servers of TLS allow. */
  readonly tls: TlsSettings;
}

export interface Program {
  /** `controller`: in the log and in the API server's audit log. */
  readonly name: string;
  readonly metrics: readonly MetricDeclaration[];
  /** The address of /healthz and /readyz; '' is every address of the machine. */
  readonly healthHost: string;
  /** Stopping may take this long besides what the parts need, in milliseconds. */
  readonly drainMs?: number;
  build(surroundings: Surroundings): {
    readonly parts: readonly Part[];
    readonly whyNotReady: () => string | undefined;
  };
}

/** For requests under way, the last writes and the release of a Lease, in a bad hour. */
const STOP_TIMEOUT_MS = 12_000;

/** Runs until SIGTERM or SIGINT; resolves with the exit code. */
export async function runInCluster(flags: ClusterFlags, program: Program): Promise<number> {
  keepHeapSmall();
  const clock = systemClock;
  const tls = parseTlsFlags(flags);
  const log = createLog({ level: flags.logLevel, name: program.name });
  const meter = createMeter(program.metrics, { process: true });
  const { kubeconfig } = flags;
  const client = await connect({
    kubeconfig,
    parseYaml,
    log,
    clock,
    meter,
    userAgent: `cleat-${program.name}/${VERSION}`,
  });
  const { parts, whyNotReady } = program.build({ client, clock, log, meter, tls });
  const secure = await secureMetrics(flags, { client, clock, log, tls });
  let life: 'starting' | 'running' | 'stopping' = 'starting';
  const notReady = (): string | undefined => {
    if (life === 'stopping') return 'this process is stopping';
    return life === 'starting' ? 'not every part has started yet' : whyNotReady();
  };
  const servers: Part[] = [];
  if (flags.healthProbePort !== 0) {
    const { healthHost: host } = program;
    const server = new HealthServer({
      host,
      port: flags.healthProbePort,
      flag: '--health-probe-port',
      notReady,
    });
    servers.push({ name: 'probes', part: server });
  }
  if (flags.port !== 0) {
    const server = new HealthServer({
      host: '',
      port: flags.port,
      flag: '--port',
      notReady,
      meter,
      ...(secure && { secure }),
    });
    servers.push({ name: 'metrics', part: server });
  }
  log.info('starting', { version: VERSION, namespace: flags.namespace });
  try {
    return await runUntilSignalled([...servers, ...parts], {
      log,
      clock,
      stopTimeoutMs: STOP_TIMEOUT_MS + (program.drainMs ?? 0),
      onReady: () => {
        life = 'running';
        log.info('ready');
      },
      onStopping: () => {
        life = 'stopping';
      },
    });
  } finally {
    await client.close();
  }
}
