/**
 * The controller and the webhook as parts of a process. The verbs `controller`, `webhook` and `up` all compose them here, so
 * what runs in `cleat up` is exactly what runs in a cluster.
 */
import { CONTROLLER_COMPONENT } from '../api/annotations.ts';
import type { Level } from '../api/findings.ts';
import { SERVICES, type Service } from '../api/kubernetes.ts';
import { Configuration } from '../cluster/configuration.ts';
import type { BgpType } from '../core/config/bgp-type.ts';
import { Controller } from '../controller/controller.ts';
import { MemberlistSecret } from '../controller/memberlist-secret.ts';
import type { ElectionTimings } from '../kube/election.ts';
import { KubeEventRecorder } from '../kube/events.ts';
import { LeaderElection } from '../kube/leader-election.ts';
import type { Part } from '../platform/lifecycle.ts';
import type { TlsSettings } from '../platform/tls-settings.ts';
import { parseTextualYaml } from '../platform/yaml.ts';
import type { Clock, KubeClient, Log, Meter } from '../ports.ts';
import { Webhook } from '../webhook/webhook.ts';

export interface ControlOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly namespace: string;
  readonly lbClass: string | undefined;
  /** Default native. */
  readonly bgpType?: BgpType;
  /** Services whose status is written at a time; absent: as ControllerDeps say. */
  readonly concurrency?: number | undefined;
  readonly runs: 'both' | 'controller' | 'webhook';
  /** Where several replicas run; without it this process is the only one that allocates. */
  readonly election?: {
    /** Of the Lease. */
    readonly name: string;
    /** Of this process alone. */
    readonly identity: string;
    readonly timings: ElectionTimings;
  };
  /** The Secret with the key of the speakers' member list, where this is to see to it that there is one. */
  readonly memberlistSecret?: string;
  readonly webhook: {
    /** Where a namespace has no label of its own; absent: deny. */
    readonly defaultLevel?: Level;
    readonly host: string;
    readonly port: number;
    /** Where the API server finds the webhook; absent: through its Service. */
    readonly url?: string;
    /** How long to serve after being told to stop, in milliseconds; absent: as WebhookDeps say. */
    readonly drainMs?: number;
    /** Serve with the certificates in the Secret and make none. */
    readonly disableCertRotation?: boolean;
    /** Of the Service and the Secret; absent: MetalLB's. */
    readonly serviceName?: string;
    readonly secretName?: string;
    /** What its server allows. */
    readonly tls?: TlsSettings;
    /** Whom it answers, as WebhookDeps say. */
    readonly clientCaPem?: string;
  };
}

export interface ControlParts {
  /** In the order they start. */
  readonly parts: readonly Part[];
  /** Answers probes. */
  readonly whyNotReady: () => string | undefined;
  readonly webhook?: Webhook;
}

export function controlParts(options: ControlOptions): ControlParts {
  const { client, clock, log, meter, namespace, runs } = options;
  const bgpType = options.bgpType === undefined ? {} : { bgpType: options.bgpType };
  const configuration = new Configuration({
    client,
    namespace,
    parseYaml: parseTextualYaml,
    log,
    ownKinds: { clock },
    ...bgpType,
  });
  const parts: Part[] = [{ name: 'configuration', part: configuration }];
  const loadBalancerClass = options.lbClass === undefined ? {} : { loadBalancerClass: options.lbClass };
  const shared = { configuration, clock, log, meter, ...loadBalancerClass };
  const whyNot: (() => string | undefined)[] = [
    () => (configuration.listed ? undefined : 'the configuration has not been listed yet'),
  ];
  let leadership: LeaderElection | undefined;
  if (runs !== 'webhook') {
    const events = new KubeEventRecorder({ client, clock, log, meter, component: CONTROLLER_COMPONENT });
    parts.push({ name: 'events', part: events });
    const { memberlistSecret: name = '' } = options;
    if (name !== '') {
      const secret = new MemberlistSecret({ client, clock, log, namespace, name });
      parts.push({ name: 'key of the member list', part: secret });
    }
    let controller: Controller | undefined;
    const lead = (writer: KubeClient): Controller =>
      (controller = new Controller({ ...shared, client: writer, events, concurrency: options.concurrency }));
    if (options.election === undefined) {
      parts.push({ name: 'controller', part: lead(client) });
    } else {
      const election = new LeaderElection({
        client,
        clock,
        log,
        meter,
        namespace,
        lead,
        ...options.election,
      });
      leadership = election;
      parts.push({ name: 'leader election', part: election });
      whyNot.push(() => (election.known ? undefined : 'it is not known yet which replica leads'));
    }
    const leads = (): boolean => leadership?.leads() ?? true;
    whyNot.push(() =>
      leads() && controller?.listed === false ? 'Services have not been listed yet' : undefined,
    );
  }
  const whyNotReady = (): string | undefined =>
    whyNot.map((ask) => ask()).find((reason) => reason !== undefined);
  if (runs === 'controller') return { parts, whyNotReady };
  const services = client.observe<Service>(SERVICES);
  const { url, ...more } = options.webhook;
  const webhook = new Webhook({
    ...shared,
    ...more,
    client,
    services,
    namespace,
    ...(url === undefined ? {} : { webhookUrl: url }),
    ...(leadership === undefined ? {} : { leadership }),
  });
  parts.push({ name: 'services', part: services }, { name: 'webhook', part: webhook });
  whyNot.push(() => webhook.whyNotReady());
  return { parts, webhook, whyNotReady };
}
