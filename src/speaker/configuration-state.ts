/** The ConfigurationState of this node's speaker: `speaker-<node>`, which goes with the node. */
import { SPEAKER_FIELD_MANAGER } from '../api/annotations.ts';
import { CONFIGURATION_STATES } from '../api/metallb.ts';
import type { ConfigurationState } from '../api/metallb.ts';
import type { Configuration } from '../cluster/configuration.ts';
import { configurationStatus, SPEAKER_CONDITION } from '../core/status/configuration-state.ts';
import { KeptStatus } from '../kube/kept-status.ts';
import type { Clock, KubeClient, Log, Startable } from '../ports.ts';

export interface SpeakerStateDeps {
  readonly client: Pick<KubeClient, 'apply' | 'observe'>;
  readonly configuration: Pick<Configuration, 'findings' | 'listed' | 'namespace' | 'nodes' | 'subscribe'>;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class SpeakerState implements Startable {
  readonly #configuration: SpeakerStateDeps['configuration'];
  readonly #state: KeptStatus<NonNullable<ConfigurationState['status']>>;
  #unsubscribe = (): void => {};

  constructor({ client, configuration, nodeName, clock, log }: SpeakerStateDeps) {
    this.#configuration = configuration;
    this.#state = new KeptStatus({
      client,
      clock,
      log,
      resource: CONFIGURATION_STATES,
      namespace: configuration.namespace,
      name: `speaker-${nodeName}`,
      labels: { 'metallb.io/component-type': 'speaker', 'metallb.io/node-name': nodeName },
      fieldManager: SPEAKER_FIELD_MANAGER,
      owners: () => {
        const uid = configuration.nodes.get(nodeName)?.metadata.uid;
        return uid === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }];
      },
      statusAfter: (stored) => {
        if (!configuration.listed) return undefined;
        const now = new Date(clock.nowMs()).toISOString();
        return configurationStatus(SPEAKER_CONDITION, configuration.findings, stored, now);
      },
    });
  }

  async start(): Promise<void> {
    this.#unsubscribe = this.#configuration.subscribe(() => this.#state.changed());
    await this.#state.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#state.stop();
  }
}
