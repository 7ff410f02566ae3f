/** The speaker as parts of a process, for the verbs `speaker` and `up`, and as a process of its own. */
import { SPEAKER_COMPONENT } from '../api/annotations.ts';
import { Configuration } from '../cluster/configuration.ts';
import { KubeEventRecorder } from '../kube/events.ts';
import type { Part } from '../platform/lifecycle.ts';
import { SPEAKER_METRICS } from '../platform/metric-names.ts';
import { PacketThread } from '../platform/packet-io.ts';
import { parseYaml } from '../platform/yaml.ts';
import type { Clock, KubeClient, Log, Meter } from '../ports.ts';
import { Speaker } from '../speaker/speaker.ts';
import { runInCluster } from './run-in-cluster.ts';
import type { SpeakerFlags } from './speaker.ts';

export interface SpeakerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly namespace: string;
  readonly nodeName: string;
  readonly lbClass: string | undefined;
  readonly ignoreExcludeLb: boolean;
}

/** In the order they start. */
export function speakerParts(options: SpeakerOptions): readonly Part[] {
  const { client, clock, log, meter, namespace, nodeName, ignoreExcludeLb: ignoreExcludeLabel } = options;
  const packets = new PacketThread({ clock, log });
  const configuration = new Configuration({ client, namespace, parseYaml, log });
  const events = new KubeEventRecorder({
    client,
    clock,
    log,
    meter,
    component: SPEAKER_COMPONENT,
    host: nodeName,
  });
  const speaker = new Speaker({
    client,
    configuration,
    namespace,
    nodeName,
    clock,
    log,
    meter,
    events,
    packets,
    ignoreExcludeLabel,
    ...(options.lbClass === undefined ? {} : { loadBalancerClass: options.lbClass }),
  });
  return [
    { name: 'packets', part: packets },
    { name: 'configuration', part: configuration },
    { name: 'events', part: events },
    { name: 'speaker', part: speaker },
  ];
}

/** Runs until a signal; resolves with the exit code. */
export function runSpeaker(flags: SpeakerFlags): Promise<number> {
  return runInCluster(flags, {
    name: 'speaker',
    metrics: SPEAKER_METRICS,
    // On the host's network nobody else should see it.
    healthHost: '127.0.0.1',
    build: (surroundings) => ({
      parts: speakerParts({ ...surroundings, ...flags, lbClass: flags.lbClass }),
      whyNotReady: () => undefined,
    }),
  });
}
