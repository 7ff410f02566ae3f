/**
 * Composes `cleat up`. Controller, webhook, speaker and the Git reconciler speak with the embedded API server as they would
 * with any other: over HTTPS, with a token.
 */
import { CONTROLLER_COMPONENT } from '../../api/annotations.ts';
import { INSTALLED_CRDS } from '../../api/crds.ts';
import type { BgpType } from '../../core/config/bgp-type.ts';
import { connect } from '../../kube/client.ts';
import { KubeEventRecorder } from '../../kube/events.ts';
import { systemClock } from '../../platform/clock.ts';
import { runUntilSignalled } from '../../platform/lifecycle.ts';
import { createLog } from '../../platform/log.ts';
import { CONTROLLER_METRICS, SPEAKER_METRICS } from '../../platform/metric-names.ts';
import { createMeter } from '../../platform/metrics.ts';
import type { Clock, KubeClient, Log } from '../../ports.ts';
import { ApiServer } from '../../standalone/apiserver/server.ts';
import { GitReconciler } from '../../standalone/git/reconciler.ts';
import { formatGitSource, type GitSource } from '../../standalone/git/source.ts';
import { registerNode } from '../../standalone/node.ts';
import type { Level } from '../../api/findings.ts';
import { WEBHOOK_PORT } from '../../api/metallb.ts';
import { controlParts, type ControlParts } from '../control-parts.ts';
import { speakerParts } from '../speaker-parts.ts';
import { VERSION } from '../version.ts';
import { LOOPBACK, reachable } from './addresses.ts';
import { openKept } from './keep.ts';
import { kubeconfigPart } from './kubeconfig.ts';

export interface UpFlags {
  readonly listen: { readonly host: string; readonly port: number };
  readonly webhookPort?: number;
  readonly kubeconfigOut: string;
  readonly tokenFile?: string;
  readonly data?: string;
  readonly git?: GitSource;
  /** Milliseconds. */
  readonly gitInterval: number;
  readonly nodeName?: string;
  readonly namespace: string;
  readonly lbClass?: string;
  readonly bgpType: BgpType;
  readonly enforce: Level;
  readonly logLevel: string;
}

/** Runs until SIGTERM or SIGINT; resolves with the exit code. */
export async function runUp(flags: UpFlags): Promise<number> {
  const clock = systemClock;
  const log = createLog({ level: flags.logLevel, name: 'up', destination: 'stderr' });
  const { token, certificates, data } = openKept(flags, { clock, log });
  const { caPem, certPem, keyPem } = certificates;
  const server = new ApiServer({
    ...flags.listen,
    token,
    tls: { certPem, keyPem },
    clock,
    log,
    ...(data === undefined ? {} : { data }),
  });
  try {
    await server.start();
    await server.define(INSTALLED_CRDS.map((crd) => ({ ...crd })));
    await server.preload([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: flags.namespace } }]);
    const url = reachable(server.url);
    const credentials = { tls: { ca: caPem }, headers: { Authorization: `Bearer ${token}` } };
    const access = { url, credentials: () => Promise.resolve(credentials) };
    const client = await connect({ access, log, clock, userAgent: `cleat-up/${VERSION}` });
    try {
      const { parts, webhook } = compose(flags, { server, client, clock, log });
      // Last, so that a start that fails leaves the kubeconfig of another server as it is.
      const kubeconfig = kubeconfigPart(flags.kubeconfigOut, { url, caPem, token });
      const onReady = (): void => announce(flags, url, webhook?.port);
      return await runUntilSignalled([...parts, kubeconfig], {
        log,
        clock,
        onReady,
      });
    } finally {
      await client.close();
    }
  } finally {
    await server.stop();
  }
}

interface Surroundings {
  readonly server: ApiServer;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
}

function compose(
  flags: UpFlags,
  { server, client, clock, log }: Surroundings,
): Pick<ControlParts, 'parts' | 'webhook'> {
  const { namespace, lbClass, bgpType, nodeName, webhookPort = WEBHOOK_PORT } = flags;
  const shared = { client, clock, namespace, lbClass, bgpType };
  const url = `https://${LOOPBACK}:${webhookPort}`;
  const control = controlParts({
    ...shared,
    log: log.child({ part: 'controller' }),
    meter: createMeter(CONTROLLER_METRICS),
    runs: 'both',
    webhook: { defaultLevel: flags.enforce, host: LOOPBACK, port: webhookPort, url },
  });
  const parts = [...control.parts];
  if (flags.git !== undefined) {
    const events = new KubeEventRecorder({ client, clock, log, component: CONTROLLER_COMPONENT });
    const reconciler = new GitReconciler({
      source: flags.git,
      client,
      events,
      clock,
      log: log.child({ part: 'git' }),
      namespace,
      intervalMs: flags.gitInterval,
      findResource: (apiVersion, kind) => server.findKind(apiVersion, kind),
    });
    parts.push({ name: 'git events', part: events }, { name: 'git', part: reconciler });
  }
  if (nodeName !== undefined) {
    const meter = createMeter(SPEAKER_METRICS);
    const node = { start: () => registerNode(client, nodeName), stop: () => Promise.resolve() };
    parts.push(
      { name: 'node', part: node },
      ...speakerParts({
        ...shared,
        log: log.child({ part: 'speaker' }),
        meter,
        nodeName,
        ignoreExcludeLb: false,
      }).parts,
    );
  }
  return { ...control, parts };
}

/** What a person wants to know once everything works. */
function announce(flags: UpFlags, url: string, webhookPort: number | undefined): void {
  console.log(`API server   ${url}`);
  console.log(`webhook      https://${LOOPBACK}:${webhookPort}`);
  if (flags.git !== undefined)
    console.log(`git          ${formatGitSource(flags.git)}, looked at every ${flags.gitInterval / 1000} s`);
  if (flags.nodeName !== undefined) console.log(`speaker      ${flags.nodeName}`);
  console.log(`state        ${flags.data ?? 'in memory: gone when this ends (--data DIR keeps it)'}`);
  console.log(`ready, until ctrl-C; in another shell:\n  export KUBECONFIG=${flags.kubeconfigOut}`);
}
