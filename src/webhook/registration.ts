/**
 * Tells the API server to ask us: the ValidatingWebhookConfiguration, under MetalLB's name, written by server-side apply
 * as field managers of its own. Nothing of it (least of all caBundle) need be in Git. It goes in by two steps: an entry for the
 * self-test alone (self-test.ts), and the rules once a review has come back. Each step is a manager of its own, so that the first
 * leaves the rules that are in force alone.
 *
 * What must always hold: a webhook that is down never stops the cluster. So the failure policy is Ignore unless told
 * otherwise (MetalLB's Fail is what its users complain about most), kube-system and our own namespace are never asked
 * about for Services. Of deletions those are asked about that may strand Services or break a reference, and of Namespaces
 * changes of their labels, with failure policy Ignore whatever it is for the others: nothing can be wedged by it.
 *
 * Taking over from MetalLB, the configuration is there already, with entries for kinds Cleat does not judge and failure
 * policy Fail. They call the Service that is ours now, where nobody answers them or with a certificate they do not know, so every
 * write of those kinds would be refused: they are removed before anything else. Entries that call somebody else are left alone.
 */
import type { ValidatingWebhookConfiguration, Webhook } from '../api/kubernetes.ts';
import { VALIDATING_WEBHOOKS } from '../api/kubernetes.ts';
import { SELF_TEST_FIELD_MANAGER, WEBHOOK_FIELD_MANAGER } from '../api/annotations.ts';
import type { LabelSelector } from '../api/meta.ts';
import { LEGACY_CONFIG_MAP } from '../api/metallb.ts';
import { gatewayConditions, serviceConditions } from '../core/policy/service-conditions.ts';
import type { KubeClient } from '../ports.ts';
import type { Gate } from './gates.ts';
import { CONFIG_MAP_DELETIONS, DELETIONS, GATES, NAMES, NEVER_FAIL, SELF_TEST } from './gates.ts';
import { SELF_TEST_LABELS } from './self-test.ts';

export const WEBHOOK_CONFIGURATION = 'metallb-webhook-configuration';
export const WEBHOOK_SERVICE = 'metallb-webhook-service';
/** Set by the API server on every Namespace. */
const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';
const TIMEOUT_SECONDS = 5;

export type FailurePolicy = 'Ignore' | 'Fail';

/** What the API server may call the Service, the name it uses first. */
export function webhookHosts(namespace: string, name = WEBHOOK_SERVICE): readonly string[] {
  const service = `${name}.${namespace}`;
  return [`${service}.svc`, service, name];
}

export interface RegistrationOptions {
  /** PEM of the authority that signed the server's certificate. */
  readonly caPem: string;
  /** Cleat's own namespace. */
  readonly namespace: string;
  /** The Service through which the API server comes; metallb-webhook-service without. */
  readonly serviceName?: string;
  /** `https://host:port`, where the API server reaches us without a Service; without it, through the Service. */
  readonly url?: string;
  readonly failurePolicy: FailurePolicy;
  /** The class Cleat was started with. */
  readonly loadBalancerClass?: string;
}

/** Puts in the entry for the self-test, beside whatever is there. Answers the version of the configuration. */
export async function registerSelfTest(client: KubeClient, options: RegistrationOptions): Promise<string> {
  const webhooks = [
    entry(
      SELF_TEST,
      { ...options, failurePolicy: 'Fail' },
      {
        namespaceSelector: { matchLabels: { [NAMESPACE_NAME_LABEL]: options.namespace } },
        // A label and not a condition in CEL: with Fail it must hold on every API server, and those before 1.28 have no CEL.
        objectSelector: { matchLabels: SELF_TEST_LABELS },
      },
    ),
  ];
  return apply(client, { ...HEAD, webhooks }, SELF_TEST_FIELD_MANAGER);
}

/** Creates or corrects the rules; what other managers wrote beside them stays. Answers the version of the configuration. */
export async function registerGates(client: KubeClient, options: RegistrationOptions): Promise<string> {
  return apply(client, webhookConfiguration(options), WEBHOOK_FIELD_MANAGER);
}

async function apply(
  client: KubeClient,
  configuration: ValidatingWebhookConfiguration & { metadata: { name: string } },
  fieldManager: string,
): Promise<string> {
  const options = { fieldManager, force: true };
  const { metadata } = await client.apply<ValidatingWebhookConfiguration>(
    VALIDATING_WEBHOOKS,
    configuration,
    options,
  );
  return metadata.resourceVersion ?? '';
}

/** Removes the entries that are in the way; answers their names. Throws what the API server answers. */
export async function clearTheWay(
  client: KubeClient,
  options: RegistrationOptions,
): Promise<readonly string[]> {
  const ref = { name: WEBHOOK_CONFIGURATION };
  const stored = await client.get<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, ref);
  const entries = stored?.webhooks ?? [];
  const removed = entries.filter((each) => isInTheWay(each, options));
  if (stored === undefined || removed.length === 0) return [];
  // With its version, so that an entry somebody writes meanwhile is not lost.
  const { resourceVersion } = stored.metadata;
  const webhooks = entries.filter((each) => !removed.includes(each));
  const body = { metadata: { resourceVersion }, webhooks };
  await client.patch(VALIDATING_WEBHOOKS, ref, 'merge', body, { fieldManager: WEBHOOK_FIELD_MANAGER });
  return removed.map(({ name }) => name);
}

function isInTheWay(
  { name, clientConfig: { url, service }, failurePolicy }: Webhook,
  options: RegistrationOptions,
): boolean {
  // An entry has a URL or a Service, and an apply cannot take away the one that another manager wrote.
  if (name === SELF_TEST.name || NAMES.has(name)) {
    const isElsewhere = (url === undefined) !== (options.url === undefined);
    const expected = NEVER_FAIL.has(name) ? 'Ignore' : options.failurePolicy;
    return isElsewhere || (NAMES.has(name) && failurePolicy !== expected);
  }
  const callsUs =
    service?.name === (options.serviceName ?? WEBHOOK_SERVICE) && service.namespace === options.namespace;
  return callsUs && options.url === undefined;
}

const HEAD = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: VALIDATING_WEBHOOKS.kind,
  metadata: { name: WEBHOOK_CONFIGURATION },
};

/** The rules, as they are registered once a review has come back. */
export function webhookConfiguration(
  options: RegistrationOptions,
): ValidatingWebhookConfiguration & { metadata: { name: string } } {
  const { namespace } = options;
  const elsewhere = elsewhereThan(namespace);
  const here = { matchLabels: { [NAMESPACE_NAME_LABEL]: namespace } };
  const { services, gateways, configMaps, namespaces, ...kinds } = GATES;
  return {
    ...HEAD,
    webhooks: [
      entry(services, options, {
        namespaceSelector: elsewhere,
        matchConditions: serviceConditions(options.loadBalancerClass),
      }),
      // Somebody else may serve them, who must not be stopped by our absence.
      entry(gateways, options, {
        failurePolicy: 'Ignore',
        namespaceSelector: elsewhere,
        matchConditions: gatewayConditions(),
      }),
      // Every namespace is asked about, because one in the wrong namespace is a mistake worth saying.
      ...Object.values(kinds).map((gate) => entry(gate, options, {})),
      entry(configMaps, options, {
        namespaceSelector: here,
        matchConditions: [isConfiguration('object')],
      }),
      ...DELETIONS.map((gate) => entry(gate, options, { failurePolicy: 'Ignore', namespaceSelector: here })),
      entry(CONFIG_MAP_DELETIONS, options, {
        failurePolicy: 'Ignore',
        namespaceSelector: here,
        matchConditions: [isConfiguration('oldObject')],
      }),
      entry(namespaces, options, {
        failurePolicy: 'Ignore',
        namespaceSelector: elsewhere,
        matchConditions: [
          { name: 'labels-change', expression: `${labelsOf('object')} != ${labelsOf('oldObject')}` },
        ],
      }),
    ],
  };
}

export function entry(gate: Gate, options: RegistrationOptions, scope: Partial<Webhook>): Webhook {
  const caBundle = Buffer.from(options.caPem, 'utf8').toString('base64');
  return {
    name: gate.name,
    clientConfig:
      options.url === undefined
        ? {
            service: {
              namespace: options.namespace,
              name: options.serviceName ?? WEBHOOK_SERVICE,
              path: gate.path,
              port: 443,
            },
            caBundle,
          }
        : { url: `${options.url}${gate.path}`, caBundle },
    rules: [
      {
        operations: [...gate.operations],
        apiGroups: [gate.group],
        apiVersions: [gate.version],
        resources: [gate.plural],
        scope: gate.plural === GATES.namespaces.plural ? 'Cluster' : 'Namespaced',
      },
    ],
    failurePolicy: options.failurePolicy,
    matchPolicy: 'Equivalent',
    sideEffects: 'None',
    timeoutSeconds: TIMEOUT_SECONDS,
    admissionReviewVersions: ['v1'],
    ...scope,
  };
}

/** Every namespace but kube-system and our own. */
export function elsewhereThan(namespace: string): LabelSelector {
  const values = ['kube-system', namespace];
  return { matchExpressions: [{ key: NAMESPACE_NAME_LABEL, operator: 'NotIn', values }] };
}

function isConfiguration(object: 'object' | 'oldObject'): { name: string; expression: string } {
  return { name: 'is-configuration', expression: `${object}.metadata.name == '${LEGACY_CONFIG_MAP}'` };
}

function labelsOf(object: 'object' | 'oldObject'): string {
  return `(has(${object}.metadata.labels) ? ${object}.metadata.labels : {})`;
}
