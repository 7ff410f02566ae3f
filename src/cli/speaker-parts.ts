/** The speaker as parts of a process, for the verbs `speaker` and `up`. */
import { SPEAKER_COMPONENT } from '../api/annotations.ts';
import { Configuration } from '../cluster/configuration.ts';
import { KubeEventRecorder } from '../kube/events.ts';
import type { Part } from '../platform/lifecycle.ts';
import { PacketThread } from '../platform/packet-io.ts';
import { parseYaml } from '../platform/yaml.ts';
import type { Clock, KubeClient, Log, Meter } from '../ports.ts';
import { Speaker } from '../speaker/speaker.ts';

export interface SpeakerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly namespace: string;
  readonly nodeName: string;
  readonly lbClass: string | undefined;
  readonly ignoreExcludeLb: boolean;
  /** Regular expressions of interfaces never to announce on. */
  readonly excludeInterfaces?: readonly string[];
}

/** In the order they start. */
export function speakerParts(options: SpeakerOptions): readonly Part[] {
  const { client, clock, log, meter, namespace, nodeName, ignoreExcludeLb: ignoreExcludeLabel } = options;
  const { excludeInterfaces = [] } = options;
  const packets = new PacketThread({ clock, log, excludeInterfaces });
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
