/**
 * Small plays for controller and speaker in which every call happens that their permissions are for: what is there when the program
 * starts, what the world does to it, and when it has done all it should.
 */
import { isDeepStrictEqual } from 'node:util';
import { ADDRESS_POLICIES, ADDRESS_RESERVATIONS, POLICY_EXCEPTIONS } from '../../src/api/cleat.ts';
import type { Event, Secret, Service, ValidatingWebhookConfiguration } from '../../src/api/kubernetes.ts';
import {
  CONFIG_MAPS,
  ENDPOINT_SLICES,
  EVENTS,
  LEASES,
  MUTATING_WEBHOOKS,
  NODES,
  SECRETS,
  SERVICES,
  VALIDATING_WEBHOOKS,
} from '../../src/api/kubernetes.ts';
import type { KubeObject, Resource } from '../../src/api/meta.ts';
import type { ConfigurationStatus, IPAddressPool } from '../../src/api/metallb.ts';
import {
  BFD_PROFILES,
  BGP_ADVERTISEMENTS,
  BGP_PEERS,
  COMMUNITIES,
  CONFIGURATION_STATES,
  IP_ADDRESS_POOLS,
  L2_ADVERTISEMENTS,
  SERVICE_L2_STATUSES,
} from '../../src/api/metallb.ts';
import { FLOOR } from '../../src/core/policy/floor.ts';
import type { KubeClient, Startable } from '../../src/ports.ts';
import { LAN } from '../../src/protocol/memberlist/config.ts';
import { controllerProgram, speakerProgram, type ProgramOptions } from './programs.ts';

export interface Scene {
  /** As if the program had never run. `without`: the Secret of the webhook is not even there. */
  reset(without?: 'Secret'): Promise<void>;
  program(options: ProgramOptions): readonly Startable[];
  /** What the world does meanwhile; called again and again. */
  disturb(): Promise<void>;
  /** Everything has come about. */
  isDone(): Promise<boolean>;
}

const NODE = 'node-1';
const SPEAKERS_CLASS = 'example.org/spoken';
const ADDRESS = '172.16.0.140';
const WEB = { namespace: 'default', name: 'web' };
const SPOKEN = { namespace: 'default', name: 'spoken' };
const SLICE = { namespace: 'default', name: 'spoken-x' };
/** Of a speaker that has no others. */
const MEMBERLIST = {
  endpoint: { address: '127.0.0.91', port: 7946 },
  podSelector: 'app=metallb',
  circle: { label: '' },
  config: LAN,
};
/** One of each kind of configuration that has a condition. */
const CONFIGURED: readonly (readonly [Resource, string])[] = [
  [IP_ADDRESS_POOLS, 'public'],
  [L2_ADVERTISEMENTS, 'all'],
  [BGP_ADVERTISEMENTS, 'all'],
  [BGP_PEERS, 'router'],
  [BFD_PROFILES, 'slow'],
  [COMMUNITIES, 'names'],
  [ADDRESS_RESERVATIONS, 'printer'],
  [ADDRESS_POLICIES, 'everybody'],
  [POLICY_EXCEPTIONS, 'migration'],
];
/** What somebody said of an object that has been mended since. */
export const STALE_CONDITION = {
  type: 'cleat.dev/Valid',
  status: 'False',
  reason: 'MalformedField',
  message: 'LB210 spec was wrong',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};
const EXCEPTION = {
  rule: 'PoolNotOpen',
  objects: [{ kind: 'Service', namespace: 'legacy' }],
  reason: 'it moves next year',
  owner: 'net@example.com',
  expires: '2099-01-01T00:00:00Z',
};
const REGISTRATION = { name: 'metallb-webhook-configuration' };

export class PermissionScenes {
  readonly controller: Scene;
  readonly speaker: Scene;
  /** The same with a member list in place of Leases. */
  readonly gossipingSpeaker: Scene;
  readonly #client: KubeClient;
  readonly #namespace: string;

  /** `client` is the administrator's. */
  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
    this.controller = {
      reset: (without) => this.#resetController(without),
      program: controllerProgram,
      disturb: () => this.#disturbController(),
      isDone: () => this.#isControllerDone(),
    };
    const onNode = { nodeName: NODE, loadBalancerClass: SPEAKERS_CLASS };
    this.speaker = {
      reset: () => this.#resetSpeaker(),
      program: (options) => speakerProgram({ ...options, ...onNode }),
      disturb: () => this.#disturbSpeaker(),
      isDone: () => this.#isSpeakerDone(),
    };
    this.gossipingSpeaker = {
      ...this.speaker,
      program: (options) => speakerProgram({ ...options, ...onNode, memberlist: MEMBERLIST }),
    };
  }

  /** What both find: a pool, an advertisement, a node, a peer with a Secret. */
  async prepare(): Promise<void> {
    const client = this.#client;
    const own = (name: string): { namespace: string; name: string } => ({ namespace: this.#namespace, name });
    const create = (resource: Resource, metadata: KubeObject['metadata'], more: object = {}) =>
      client.create<KubeObject>(resource, { metadata, ...more });
    await create(IP_ADDRESS_POOLS, own('public'), { spec: { addresses: ['172.16.0.100-172.16.0.149'] } });
    await create(L2_ADVERTISEMENTS, own('all'));
    await create(BGP_ADVERTISEMENTS, own('all'));
    await create(BFD_PROFILES, own('slow'));
    await create(COMMUNITIES, own('names'));
    await create(ADDRESS_RESERVATIONS, own('printer'), { spec: { addresses: ['172.16.0.149'] } });
    await create(ADDRESS_POLICIES, own('everybody'), { spec: {} });
    await create(POLICY_EXCEPTIONS, own('migration'), { spec: EXCEPTION });
    await create(NODES, { name: NODE });
    const type = 'kubernetes.io/basic-auth';
    await create(SECRETS, own('of-router'), { type, stringData: { password: 'a-secret-for-tests' } });
    const spec = { myASN: 64500, peerASN: 64501, peerAddress: '192.0.2.1' };
    await create(BGP_PEERS, own('router'), { spec: { ...spec, passwordSecret: { name: 'of-router' } } });
    await create(SERVICES, SPOKEN, {
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], loadBalancerClass: SPEAKERS_CLASS },
    });
    const status = { loadBalancer: { ingress: [{ ip: ADDRESS }] } };
    await client.patch(SERVICES, SPOKEN, 'merge', { status }, { subresource: 'status' });
  }

  async #resetController(without: 'Secret' | undefined): Promise<void> {
    const client = this.#client;
    const namespace = this.#namespace;
    const secret = { namespace, name: 'metallb-webhook-cert' };
    await Promise.all([
      client.delete(LEASES, { namespace, name: 'cleat-controller' }),
      client.delete(VALIDATING_WEBHOOKS, REGISTRATION),
      client.delete(MUTATING_WEBHOOKS, REGISTRATION),
      client.delete(CONFIGURATION_STATES, { namespace, name: 'controller' }),
      client.delete(SECRETS, secret),
      client.delete(SERVICES, WEB),
      client.delete(CONFIG_MAPS, { namespace, name: FLOOR }),
    ]);
    if (without !== 'Secret') await client.create<Secret>(SECRETS, { metadata: secret });
    const spec = { type: 'LoadBalancer' as const, ports: [{ port: 80 }] };
    await client.create<Service>(SERVICES, { metadata: WEB, spec });
    // As if nobody had counted.
    const status = { assignedIPv4: 0, assignedIPv6: 0, availableIPv4: 0, availableIPv6: 0 };
    const pool = { namespace, name: 'public' };
    await client.patch(IP_ADDRESS_POOLS, pool, 'merge', { status }, { subresource: 'status' });
    for (const [resource, name] of CONFIGURED) {
      const stale = { status: { conditions: [STALE_CONDITION] } };
      await client.patch(resource, { namespace, name }, 'merge', stale, { subresource: 'status' });
    }
  }

  /** The Service gives its address back and asks again: the same Event twice. */
  async #disturbController(): Promise<void> {
    const service = await this.#client.get<Service>(SERVICES, WEB);
    const wants = service?.spec?.type === 'LoadBalancer';
    const has = service?.status?.loadBalancer?.ingress !== undefined;
    if (wants !== has) return;
    const type = wants ? 'ClusterIP' : 'LoadBalancer';
    await this.#client.patch(SERVICES, WEB, 'merge', { spec: { type } });
  }

  async #isControllerDone(): Promise<boolean> {
    const client = this.#client;
    const namespace = this.#namespace;
    const pool = await client.get<IPAddressPool>(IP_ADDRESS_POOLS, { namespace, name: 'public' });
    if (pool?.status?.assignedIPv4 === 0) return false;
    const registration = await client.get<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, REGISTRATION);
    if (!registration?.webhooks?.some(({ name }) => name === 'namespacevalidationwebhook.cleat.dev'))
      return false;
    if ((await client.get(MUTATING_WEBHOOKS, REGISTRATION)) === undefined) return false;
    if ((await client.get(CONFIG_MAPS, { namespace, name: FLOOR })) === undefined) return false;
    for (const [resource, name] of CONFIGURED) {
      const object = await client.get<KubeObject & { status?: ConfigurationStatus }>(resource, {
        namespace,
        name,
      });
      if (object?.status?.conditions?.[0]?.status !== 'True') return false;
    }
    return (await this.#isRepeated('IPAllocated', WEB)) && this.#isValid('controller');
  }

  async #resetSpeaker(): Promise<void> {
    const client = this.#client;
    const namespace = this.#namespace;
    await client.delete(CONFIGURATION_STATES, { namespace, name: `speaker-${NODE}` });
    for (const resource of [SERVICE_L2_STATUSES, LEASES]) {
      const { items } = await client.list<KubeObject>(resource, { namespace });
      for (const { metadata } of items)
        if (resource !== LEASES || metadata.name?.endsWith(NODE) === true)
          await client.delete(resource, { namespace, name: metadata.name ?? '' });
    }
    for (const event of await this.#events('nodeAssigned', SPOKEN))
      await client.delete(EVENTS, { namespace: SPOKEN.namespace, name: event.metadata.name ?? '' });
    await this.#writeSlice(true);
  }

  /** Endpoints become ready and unready: what is announced is withdrawn and announced again. */
  async #disturbSpeaker(): Promise<void> {
    const isReady = await this.#isSliceReady();
    const { items } = await this.#client.list(SERVICE_L2_STATUSES, { namespace: this.#namespace });
    if (isReady === items.length > 0) await this.#writeSlice(!isReady);
  }

  async #isSpeakerDone(): Promise<boolean> {
    return (await this.#isRepeated('nodeAssigned', SPOKEN)) && this.#isValid(`speaker-${NODE}`);
  }

  async #writeSlice(ready: boolean): Promise<void> {
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...SLICE, labels: { 'kubernetes.io/service-name': SPOKEN.name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], nodeName: NODE, conditions: { ready } }],
      ports: [],
    };
    await this.#client.apply<KubeObject>(ENDPOINT_SLICES, slice, { fieldManager: 'test', force: true });
  }

  async #isSliceReady(): Promise<boolean> {
    const slice = await this.#client.get<KubeObject & { endpoints: { conditions: object }[] }>(
      ENDPOINT_SLICES,
      SLICE,
    );
    return isDeepStrictEqual(slice?.endpoints[0]?.conditions, { ready: true });
  }

  async #isValid(name: string): Promise<boolean> {
    const ref = { namespace: this.#namespace, name };
    const state = await this.#client.get<KubeObject & { status?: { result?: string } }>(
      CONFIGURATION_STATES,
      ref,
    );
    return state?.status?.result === 'Valid';
  }

  async #isRepeated(reason: string, of: { namespace: string; name: string }): Promise<boolean> {
    const { metadata } = (await this.#client.get(SERVICES, of)) ?? {};
    const events = await this.#events(reason, of);
    return events.some(({ count = 0, involvedObject }) => count > 1 && involvedObject?.uid === metadata?.uid);
  }

  async #events(reason: string, of: { namespace: string; name: string }): Promise<Event[]> {
    const { namespace, name } = of;
    const fieldSelector = `reason=${reason},involvedObject.name=${name}`;
    return (await this.#client.list<Event>(EVENTS, { namespace, fieldSelector })).items;
  }
}
