/** The ConfigurationState of this node's speaker: `speaker-<node>`, which goes with the node, with what it reports of itself. */
import { SPEAKER_FIELD_MANAGER } from '../api/annotations.ts';
import { CONFIGURATION_STATES } from '../api/metallb.ts';
import type { ConfigurationState } from '../api/metallb.ts';
import { LINKS_ANNOTATION } from '../api/node-links.ts';
import type { Configuration } from '../cluster/configuration.ts';
import { configurationStatus, SPEAKER_CONDITION } from '../core/status/configuration-state.ts';
import { KeptStatus } from '../kube/kept-status.ts';
import type { Clock, KubeClient, Log, Startable } from '../ports.ts';
import { formatLinks } from './cluster-links.ts';
import type { NodeReport } from './node-report.ts';

export interface SpeakerStateDeps {
  readonly client: Pick<KubeClient, 'apply' | 'observe'>;
  readonly configuration: Pick<Configuration, 'findings' | 'listed' | 'namespace' | 'nodes' | 'subscribe'>;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly report?: NodeReport;
}

export class SpeakerState implements Startable {
  readonly #configuration: SpeakerStateDeps['configuration'];
  readonly #state: KeptStatus<NonNullable<ConfigurationState['status']>>;
  readonly #report: NodeReport | undefined;
  readonly #unsubscribe: (() => void)[] = [];

  constructor({ client, configuration, nodeName, clock, log, report }: SpeakerStateDeps) {
    this.#report = report;
    this.#configuration = configuration;
    this.#state = new KeptStatus({
      client,
      clock,
      log,
      resource: CONFIGURATION_STATES,
      namespace: configuration.namespace,
      name: `speaker-${nodeName}`,
      labels: { 'metallb.io/component-type': 'speaker', 'metallb.io/node-name': nodeName },
      annotations: (): Record<string, string> =>
        report?.links === undefined ? {} : { [LINKS_ANNOTATION]: formatLinks(report.links) },
      fieldManager: SPEAKER_FIELD_MANAGER,
      owners: () => {
        const uid = configuration.nodes.get(nodeName)?.metadata.uid;
        return uid === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }];
      },
      statusAfter: (stored) => {
        if (!configuration.listed) return undefined;
        const now = new Date(clock.nowMs()).toISOString();
        const { findings } = configuration;
        return configurationStatus(SPEAKER_CONDITION, findings, stored, now, report?.conflicts);
      },
    });
  }

  async start(): Promise<void> {
    const changed = (): void => this.#state.changed();
    this.#unsubscribe.push(this.#configuration.subscribe(changed));
    if (this.#report !== undefined) this.#unsubscribe.push(this.#report.subscribe(changed));
    await this.#state.start();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#state.stop();
  }
}
