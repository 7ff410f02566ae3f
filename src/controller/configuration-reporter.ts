/**
 * Tells what there is to say about the configuration: an Event on each object with a finding, and the ConfigurationState
 * `controller` with all faults. Conditions of the objects are told by object-conditions.ts.
 */
import { CONTROLLER_FIELD_MANAGER } from '../api/annotations.ts';
import type { Finding } from '../api/findings.ts';
import { FINDINGS, formatFinding } from '../api/findings.ts';
import { CONFIGURATION_STATES } from '../api/metallb.ts';
import type { ConfigurationState } from '../api/metallb.ts';
import type { Configuration } from '../cluster/configuration.ts';
import { configurationStatus, CONTROLLER_CONDITION } from '../core/status/configuration-state.ts';
import { KeptStatus } from '../kube/kept-status.ts';
import type { Clock, EventRecorder, KubeClient, Log, Startable } from '../ports.ts';

export interface ConfigurationReporterDeps {
  readonly client: Pick<KubeClient, 'apply' | 'observe'>;
  readonly configuration: Pick<Configuration, 'findings' | 'listed' | 'namespace' | 'objectOf' | 'subscribe'>;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
}

export class ConfigurationReporter implements Startable {
  readonly #deps: ConfigurationReporterDeps;
  readonly #state: KeptStatus<NonNullable<ConfigurationState['status']>>;
  #told: ReadonlySet<string> = new Set();
  #unsubscribe = (): void => {};

  constructor(deps: ConfigurationReporterDeps) {
    const { client, clock, log, configuration } = deps;
    this.#deps = deps;
    this.#state = new KeptStatus({
      client,
      clock,
      log,
      resource: CONFIGURATION_STATES,
      namespace: configuration.namespace,
      name: 'controller',
      labels: { 'metallb.io/component-type': 'controller' },
      fieldManager: CONTROLLER_FIELD_MANAGER,
      owners: () => [],
      statusAfter: (stored) => {
        if (!configuration.listed) return undefined;
        const now = new Date(clock.nowMs()).toISOString();
        return configurationStatus(CONTROLLER_CONDITION, configuration.findings, stored, now);
      },
    });
  }

  async start(): Promise<void> {
    this.#unsubscribe = this.#deps.configuration.subscribe(() => this.#report());
    this.#report();
    await this.#state.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#state.stop();
  }

  #report(): void {
    const { findings } = this.#deps.configuration;
    const told = new Set<string>();
    for (const finding of findings) {
      const identity = JSON.stringify([finding.object, finding.code, finding.message]);
      if (!this.#told.has(identity)) this.#tell(finding);
      told.add(identity);
    }
    this.#told = told;
    this.#state.changed();
  }

  #tell(finding: Finding): void {
    const { configuration, events } = this.#deps;
    const object = configuration.objectOf(finding.object);
    if (object !== undefined)
      events.record(object, 'Warning', FINDINGS[finding.code].reason, formatFinding(finding));
  }
}
