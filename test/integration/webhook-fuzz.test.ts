/**
 * Whatever arrives at the webhook's port: a review that is sound as JSON gets a verdict, everything else 4xx or a closed connection,
 * and the next review its answer. Nothing makes the verdict itself fail. CLEAT_RUNS=50 makes it thorough.
 */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:https';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { connect } from 'node:tls';
import fc from 'fast-check';
import type { ValidatingWebhookConfiguration } from '../../src/api/kubernetes.ts';
import { VALIDATING_WEBHOOKS } from '../../src/api/kubernetes.ts';
import { JUDGED_KINDS } from '../../src/webhook/judged-kinds.ts';
import { MUTATION_PATH } from '../../src/webhook/mutating-registration.ts';
import { startApiServer } from '../support/api-server.ts';
import { prepareCluster, startGate } from '../support/gate.ts';
import { mustApply, poolManifest, serviceManifest } from '../support/gitops-orders.ts';
import { runs } from '../support/runs.ts';
import { until } from '../support/until.ts';

const PATHS = [
  'service',
  'mutation',
  'gateway',
  'configmap',
  'namespace',
  'ipaddresspool',
  'l2advertisement',
  'bgppeer',
] as const;
const JSON_TYPE = { 'content-type': 'application/json' };

interface Answer {
  readonly status: number;
  readonly text: string;
}

class Target {
  readonly #port: number;
  readonly #ca: string;
  readonly #agent: Agent;
  readonly #paths: ReadonlyMap<string, string>;

  constructor(registration: ValidatingWebhookConfiguration) {
    const { webhooks = [] } = registration;
    const { url = '', caBundle = '' } = webhooks[0]?.clientConfig ?? {};
    this.#ca = Buffer.from(caBundle, 'base64').toString();
    this.#port = Number(new URL(url).port);
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, ca: this.#ca });
    const urls = webhooks.map(({ clientConfig }) => new URL(clientConfig.url ?? '').pathname);
    const pathOf = (kind: string): string => urls.find((each) => each.endsWith(`-${kind}`)) ?? '';
    this.#paths = new Map(PATHS.map((kind) => [kind, kind === 'mutation' ? MUTATION_PATH : pathOf(kind)]));
    assert.ok([...this.#paths.values()].every((path) => path !== ''));
  }

  post(
    kind: string,
    body: string | Uint8Array,
    headers: Record<string, string> = JSON_TYPE,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, path: this.#paths.get(kind), method: 'POST' };
      const call = request({ ...options, agent: this.#agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', reject);
      });
      call.on('error', reject).end(body);
    });
  }

  /** Sends bytes that need be no HTTP, ends, and resolves once the other side has ended too. */
  async send(bytes: string | Uint8Array): Promise<void> {
    const socket = connect({ host: '127.0.0.1', port: this.#port, ca: this.#ca });
    socket.on('error', () => undefined).resume();
    socket.end(bytes);
    await new Promise((resolve) => socket.on('close', resolve));
  }

  stop(): void {
    this.#agent.destroy();
  }
}

async function start(context: TestContext) {
  const api = await startApiServer(context);
  const cluster = { url: api.server.url, caPem: api.caPem, token: api.token };
  await prepareCluster(cluster);
  await mustApply(cluster, poolManifest('default', '192.0.2.0/28'));
  const policies = '/apis/cleat.dev/v1alpha1/namespaces/metallb-system/addresspolicies';
  const defaults = { allocateLoadBalancerNodePorts: false, externalTrafficPolicy: 'Local' };
  const named = { apiVersion: 'cleat.dev/v1alpha1', kind: 'AddressPolicy', metadata: { name: 'all' } };
  const body = { ...named, spec: { defaultPool: 'default', defaults } };
  assert.equal((await api.ask('POST', policies, { body })).code, 201);
  const gate = await startGate(context, cluster);
  const registration = await until('the registration', 10_000, async () => {
    const name = { name: 'metallb-webhook-configuration' };
    const stored = await gate.client.get<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, name);
    return (stored?.webhooks?.length ?? 0) > 1 ? stored : undefined;
  });
  const target = new Target(registration);
  context.after(() => target.stop());
  const isWell = async (): Promise<void> => {
    const { status, text } = await target.post('service', JSON.stringify(review('Service', outside)));
    assert.equal(status, 200);
    const { response } = JSON.parse(text) as { response: { allowed: boolean; status: { message: string } } };
    assert.match(response.status.message, /^LB101 spec\.loadBalancerIP 203\.0\.113\.9 /);
    const errors = gate.log.lines.filter(({ level }) => level === 'error');
    assert.deepEqual(errors, []);
  };
  return { target, isWell };
}

const outside = serviceManifest('web', '203.0.113.9');

function review(kind: keyof typeof JUDGED_KINDS, object: unknown, more: object = {}): object {
  const { group, version } = JUDGED_KINDS[kind];
  const of = { namespace: 'metallb-system', name: 'x', userInfo: { username: 'jane' } };
  const asked = { uid: 'u-1', kind: { group, version, kind }, operation: 'CREATE', ...of, object, ...more };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked };
}

function checkAnswer({ status, text }: Answer, sent: string): void {
  if (status !== 200) {
    assert.ok([400, 413, 415].includes(status), `${status} to ${sent.slice(0, 200)}`);
    return;
  }
  const { response } = JSON.parse(text) as { response: { uid: unknown; allowed: unknown } };
  assert.equal(typeof response.uid, 'string');
  assert.equal(typeof response.allowed, 'boolean');
}

const KINDS = {
  service: 'Service',
  mutation: 'Service',
  gateway: 'Gateway',
  configmap: 'ConfigMap',
  namespace: 'Namespace',
  ipaddresspool: 'IPAddressPool',
  l2advertisement: 'L2Advertisement',
  bgppeer: 'BGPPeer',
} as const satisfies Record<(typeof PATHS)[number], string>;

/** Fields that are read somewhere, with anything in them. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, '', [], {}, -0, 1e308, '1e999'),
);
const anyObject = fc.record(
  {
    metadata: fc.oneof(
      fc.record(
        {
          name: anything,
          namespace: anything,
          labels: anything,
          annotations: fc.oneof(
            anything,
            fc.dictionary(
              fc.constantFrom(
                'metallb.io/loadBalancerIPs',
                'metallb.universe.tf/address-pool',
                'metallb.io/allow-shared-ip',
                'cleat.dev/confirm',
                'cleat.dev/drain',
                'cleat.dev/mutated',
                'kubectl.kubernetes.io/last-applied-configuration',
              ),
              anything,
            ),
          ),
          deletionTimestamp: anything,
          ownerReferences: anything,
          managedFields: anything,
        },
        { requiredKeys: [] },
      ),
      anything,
    ),
    spec: fc.oneof(
      fc.dictionary(
        fc.constantFrom(
          'type',
          'ports',
          'selector',
          'clusterIPs',
          'ipFamilies',
          'loadBalancerIP',
          'loadBalancerClass',
          'addresses',
          'infrastructure',
          'listeners',
          'externalTrafficPolicy',
          'allocateLoadBalancerNodePorts',
          'serviceAllocation',
          'ipAddressPools',
          'ipAddressPoolSelectors',
          'nodeSelectors',
          'interfaces',
          'peerAddress',
          'myASN',
          'holdTime',
          'passwordSecret',
        ),
        anything,
      ),
      anything,
    ),
    data: fc.oneof(fc.dictionary(fc.constantFrom('config', 'other'), anything), anything),
    status: anything,
  },
  { requiredKeys: [] },
);

test('reviews with anything in the objects get a verdict', async (context) => {
  const { target, isWell } = await start(context);
  const operation = fc.constantFrom('CREATE', 'UPDATE', 'DELETE', 'CONNECT', 'EAT', 5);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...PATHS),
      anyObject,
      anyObject,
      operation,
      anything,
      async (kind, object, oldObject, verb, odd) => {
        const more = { oldObject, operation: verb, userInfo: odd, dryRun: odd };
        const body = JSON.stringify(review(KINDS[kind], object, more));
        checkAnswer(await target.post(kind, body), body);
      },
    ),
    runs(300),
  );
  await isWell();
});

test('reviews that were damaged on the way, and bodies that never were any', async (context) => {
  const { target, isWell } = await start(context);
  const sound = JSON.stringify(review('Service', outside));
  const damaged = fc
    .tuple(
      fc.nat({ max: sound.length }),
      fc.nat({ max: 20 }),
      fc.oneof(fc.string(), fc.constantFrom('"', '}', '[[[', '\\u', '9e999')),
    )
    .map(([at, length, text]) => sound.slice(0, at) + text + sound.slice(at + length));
  const bytes = fc.uint8Array({ maxLength: 2_000 }).map((each) => Buffer.from(each));
  await fc.assert(
    fc.asyncProperty(fc.oneof(damaged, bytes), async (body) => {
      checkAnswer(await target.post('service', body), String(body));
    }),
    runs(300),
  );
  const known = sound.slice(0, -1);
  const special: [string | Uint8Array, Record<string, string>?][] = [
    ['['.repeat(200_000)],
    ['{"a":'.repeat(100_000)],
    [`${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    [`${known.slice(0, -1)},"deep":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`],
    [`${known},"request":null}`],
    [`${known},"kind":"AdmissionReview","kind":"Pod"}`],
    [sound.replace('"port":80', '"port":1e999')],
    [sound.replace('"port":80', '"port":123456789012345678901234567890')],
    [sound.replace('"uid":"u-1"', '"uid":"u-1","__proto__":{"allowed":true}')],
    [
      JSON.stringify(
        review('Service', {
          ...outside,
          metadata: { ...outside.metadata, annotations: { big: 'x'.repeat(3 << 20) } },
        }),
      ),
    ],
    [sound, { 'content-type': 'text/plain' }],
    [sound, {}],
    [sound, { ...JSON_TYPE, 'content-encoding': 'gzip' }],
    [sound, { 'content-type': 'application/json; charset=nonsense' }],
  ];
  for (const [body, headers] of special)
    checkAnswer(await target.post('service', body, headers), String(body));
  await isWell();
});

test('bytes that are no HTTP, and requests that end before their time', async (context) => {
  const { target, isWell } = await start(context);
  const head = 'POST /validate-v1-service HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  for (const bytes of [
    '',
    'GET\r\n\r\n',
    `${head}content-length: 1000\r\n\r\n{"apiVersion":`,
    `${head}content-length: -1\r\n\r\n`,
    `${head}content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef`,
    `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`,
    `${head}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n`,
    `${head}x: ${'y'.repeat(100_000)}\r\n\r\n`,
    Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff]),
  ])
    await target.send(bytes);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), (bytes) => target.send(bytes)),
    runs(30),
  );
  await isWell();
});
