/** The speaker as parts of a process, for the verbs `speaker` and `up`, and as a process of its own. */
import { SPEAKER_COMPONENT } from '../api/annotations.ts';
import { Configuration } from '../cluster/configuration.ts';
import type { BgpType } from '../core/config/bgp-type.ts';
import { KubeEventRecorder } from '../kube/events.ts';
import type { Part } from '../platform/lifecycle.ts';
import { SPEAKER_METRICS } from '../platform/metric-names.ts';
import { PacketThread } from '../platform/packet-io.ts';
import { parseTextualYaml } from '../platform/yaml.ts';
import type { Clock, KubeClient, Log, Meter } from '../ports.ts';
import { SpeakerState } from '../speaker/configuration-state.ts';
import { Gossip } from '../speaker/gossip.ts';
import type { GossipSettings } from '../speaker/gossip.ts';
import { NodeReport } from '../speaker/node-report.ts';
import { Speaker } from '../speaker/speaker.ts';
import { readExcludedInterfaces } from './excluded-interfaces.ts';
import { readMemberlistSettings } from './memberlist-settings.ts';
import type { MemberlistFlags } from './memberlist-settings.ts';
import { type ClusterFlags, runInCluster } from './run-in-cluster.ts';

export interface SpeakerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly namespace: string;
  readonly nodeName: string;
  readonly lbClass: string | undefined;
  readonly ignoreExcludeLb: boolean;
  readonly ignoreAddressConflicts?: boolean;
  /** Default native. */
  readonly bgpType?: BgpType;
  /** Names the interfaces on which nothing is announced. Default: where MetalLB's manifests mount it. */
  readonly excludeL2File?: string;
  /** Without it the list of speakers is kept by Leases. */
  readonly memberlist?: GossipSettings | undefined;
  /** Of the pod this runs in. */
  readonly podName?: string;
  readonly podUid?: string;
}

export interface SpeakerParts {
  /** In the order they start. */
  readonly parts: readonly Part[];
  /** Answers probes. */
  readonly whyNotReady: () => string | undefined;
}

/** Throws a UserError where the file of interfaces to exclude cannot be used. */
export function speakerParts(options: SpeakerOptions): SpeakerParts {
  const { client, clock, log, meter, namespace, nodeName, ignoreExcludeLb: ignoreExcludeLabel } = options;
  const { excludeL2File = '/etc/metallb/excludel2.yaml', podName = '', podUid = '' } = options;
  const packets = new PacketThread({ clock, log, excludeInterfaces: readExcludedInterfaces(excludeL2File) });
  const bgpType = options.bgpType === undefined ? {} : { bgpType: options.bgpType };
  const parseYaml = parseTextualYaml;
  const configuration = new Configuration({ client, namespace, parseYaml, log, nodeName, ...bgpType });
  const events = new KubeEventRecorder({
    client,
    clock,
    log,
    meter,
    component: SPEAKER_COMPONENT,
    host: nodeName,
  });
  const { memberlist, ignoreAddressConflicts = false } = options;
  const report = new NodeReport(clock);
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
    report,
    ignoreExcludeLabel,
    ignoreAddressConflicts,
    ...(options.lbClass === undefined ? {} : { loadBalancerClass: options.lbClass }),
    ...(memberlist === undefined
      ? {}
      : {
          membership: (listener) =>
            new Gossip(
              memberlist,
              { client, clock, log, namespace, nodeName, random: Math.random },
              listener,
            ),
        }),
    ...(podName === '' || podUid === '' ? {} : { pod: { name: podName, uid: podUid } }),
  });
  const state = new SpeakerState({ client, configuration, nodeName, clock, log, report });
  return {
    parts: [
      { name: 'packets', part: packets },
      { name: 'configuration', part: configuration },
      { name: 'configuration state', part: state },
      { name: 'events', part: events },
      { name: 'speaker', part: speaker },
    ],
    whyNotReady: () => (speaker.ready ? undefined : 'this node takes no part in announcing yet'),
  };
}

export interface SpeakerFlags extends ClusterFlags, MemberlistFlags {
  readonly nodeName: string;
  readonly ignoreExcludeLb: boolean;
  readonly ignoreAddressConflicts: boolean;
  readonly excludeL2File?: string;
  readonly podName?: string;
  readonly podUid?: string;
}

/** Runs until a signal; resolves with the exit code. */
export function runSpeaker(flags: SpeakerFlags): Promise<number> {
  return runInCluster(flags, {
    name: 'speaker',
    metrics: SPEAKER_METRICS,
    // On the host's network nobody else should see it.
    healthHost: '127.0.0.1',
    build: (surroundings) =>
      speakerParts({
        ...surroundings,
        ...flags,
        lbClass: flags.lbClass,
        memberlist: readMemberlistSettings(flags, surroundings.log),
      }),
  });
}
