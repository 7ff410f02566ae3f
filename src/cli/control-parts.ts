/**
 * The controller and the webhook as parts of a process. The verbs `controller`, `webhook` and `up` all compose them here, so
 * what runs in `cleat up` is exactly what runs in a cluster.
 */
import { CONTROLLER_COMPONENT } from '../api/annotations.ts';
import { SERVICES, type Service } from '../api/kubernetes.ts';
import { Configuration } from '../cluster/configuration.ts';
import { Controller } from '../controller/controller.ts';
import { KubeEventRecorder } from '../kube/events.ts';
import type { Part } from '../platform/lifecycle.ts';
import { CONTROLLER_METRICS } from '../platform/metric-names.ts';
import { parseYaml } from '../platform/yaml.ts';
import type { Clock, KubeClient, Log, Meter } from '../ports.ts';
import { Webhook } from '../webhook/webhook.ts';
import { type ClusterFlags, runInCluster } from './run-in-cluster.ts';

export interface ControlOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly namespace: string;
  readonly lbClass: string | undefined;
  readonly runs: 'both' | 'controller' | 'webhook';
  readonly webhook: {
    readonly host: string;
    readonly port: number;
    /** Where the API server finds the webhook; absent: through its Service. */
    readonly url?: string;
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
  const configuration = new Configuration({ client, namespace, parseYaml, log });
  const parts: Part[] = [{ name: 'configuration', part: configuration }];
  const loadBalancerClass = options.lbClass === undefined ? {} : { loadBalancerClass: options.lbClass };
  if (runs !== 'webhook') {
    const events = new KubeEventRecorder({ client, clock, log, meter, component: CONTROLLER_COMPONENT });
    const controller = new Controller({
      client,
      configuration,
      events,
      clock,
      log,
      meter,
      ...loadBalancerClass,
    });
    parts.push({ name: 'events', part: events }, { name: 'controller', part: controller });
  }
  if (runs === 'controller') {
    return {
      parts,
      whyNotReady: () => (configuration.listed ? undefined : 'the configuration has not been listed yet'),
    };
  }
  const services = client.observe<Service>(SERVICES);
  const { host, port, url } = options.webhook;
  const webhook = new Webhook({
    client,
    configuration,
    services,
    clock,
    log,
    meter,
    namespace,
    host,
    port,
    ...(url === undefined ? {} : { webhookUrl: url }),
    ...loadBalancerClass,
  });
  parts.push({ name: 'services', part: services }, { name: 'webhook', part: webhook });
  return { parts, webhook, whyNotReady: () => (webhook.ready ? undefined : 'the webhook is not ready yet') };
}

/** The flags of flags.ts that the verbs with a webhook have, as commander names them. */
export interface ControlFlags extends ClusterFlags {
  readonly webhookUrl?: string;
  readonly webhookPort: number;
}

/** Runs controller, webhook or both in a cluster until a signal; resolves with the exit code. */
export function runControl(flags: ControlFlags, runs: ControlOptions['runs']): Promise<number> {
  return runInCluster(flags, {
    name: runs === 'webhook' ? 'webhook' : 'controller',
    metrics: CONTROLLER_METRICS,
    healthHost: '',
    build: (surroundings) =>
      controlParts({
        ...surroundings,
        namespace: flags.namespace,
        lbClass: flags.lbClass,
        runs,
        webhook: {
          host: '::',
          port: flags.webhookPort,
          ...(flags.webhookUrl === undefined ? {} : { url: flags.webhookUrl }),
        },
      }),
  });
}
