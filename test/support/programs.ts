/** Controller and speaker as `cleat controller` and `cleat speaker` compose them, but quick and without sockets to the outside. */
import { randomUUID } from 'node:crypto';
import { controlParts } from '../../src/cli/control-parts.ts';
import { Configuration } from '../../src/cluster/configuration.ts';
import { KubeEventRecorder } from '../../src/kube/events.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CONTROLLER_METRICS, SPEAKER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { parseTextualYaml } from '../../src/platform/yaml.ts';
import type { KubeClient, Log, PacketIo, Startable } from '../../src/ports.ts';
import { SpeakerState } from '../../src/speaker/configuration-state.ts';
import { Gossip } from '../../src/speaker/gossip.ts';
import type { GossipSettings } from '../../src/speaker/gossip.ts';
import { Speaker } from '../../src/speaker/speaker.ts';

/** In native mode a BFDProfile is a fault. */
const BGP_TYPE = 'frr-k8s';

export interface ProgramOptions {
  readonly client: KubeClient;
  readonly log: Log;
  readonly namespace: string;
  readonly loadBalancerClass?: string;
}

/** In the order they start; the webhook is reached by URL. */
export function controllerProgram(options: ProgramOptions): readonly Startable[] {
  const { client, log, namespace, loadBalancerClass } = options;
  const { parts } = controlParts({
    client,
    clock: systemClock,
    log,
    meter: createMeter(CONTROLLER_METRICS),
    namespace,
    lbClass: loadBalancerClass,
    bgpType: BGP_TYPE,
    runs: 'both',
    election: {
      name: 'cleat-controller',
      identity: randomUUID(),
      timings: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 100 },
    },
    memberlistSecret: 'memberlist',
    webhook: { host: '127.0.0.1', port: 0, url: 'https://127.0.0.1:0' },
  });
  return parts.map(({ part }) => part);
}

/** Without a member list the list of speakers is kept by Leases. */
export function speakerProgram(
  options: ProgramOptions & { readonly nodeName: string; readonly memberlist?: GossipSettings },
): readonly Startable[] {
  const { memberlist } = options;
  const deps = { ...options, clock: systemClock, meter: createMeter(SPEAKER_METRICS) };
  const configuration = new Configuration({ ...deps, parseYaml: parseTextualYaml, bgpType: BGP_TYPE });
  const state = new SpeakerState({ ...deps, configuration });
  const events = new KubeEventRecorder({ ...deps, component: 'metallb-speaker' });
  const speaker = new Speaker({
    ...deps,
    configuration,
    events,
    packets: new SilentPackets(),
    ...(memberlist && {
      membership: (listener) => new Gossip(memberlist, { ...deps, random: Math.random }, listener),
    }),
  });
  return [configuration, state, events, speaker];
}

/** One interface, on which nothing is heard or said. */
class SilentPackets implements PacketIo {
  readonly families = new Set(['IPv4'] as const);
  start = async (): Promise<void> => {};
  stop = async (): Promise<void> => {};
  answer = (): void => {};
  announce = (): void => {};
  watch = (): void => {};
  probe = (): void => {};
  subscribe: PacketIo['subscribe'] = (listener) => {
    listener({ kind: 'interfaces', names: ['eth0'] });
    return () => {};
  };
}
