/**
 * Tells the API server to have Services changed by us before they are judged: the MutatingWebhookConfiguration, of the same name as the
 * one that judges, and put in after it, when the way to us has been tried.
 *
 * Whatever the failure policy of the judging entries is, this one is Ignore: a Service without its defaults is a Service all
 * the same. It asks about the Services that the judging entry asks about, so kube-system and our own namespace are exempt.
 */
import { WEBHOOK_FIELD_MANAGER } from '../api/annotations.ts';
import type { MutatingWebhookConfiguration } from '../api/kubernetes.ts';
import { MUTATING_WEBHOOKS, SERVICES } from '../api/kubernetes.ts';
import { serviceConditions } from '../core/policy/service-conditions.ts';
import type { KubeClient } from '../ports.ts';
import type { Gate } from './gates.ts';
import type { RegistrationOptions } from './registration.ts';
import { elsewhereThan, entry, WEBHOOK_CONFIGURATION } from './registration.ts';

export const MUTATION_PATH = '/mutate--v1-service';

const GATE: Gate = {
  path: MUTATION_PATH,
  name: 'servicemutation.cleat.dev',
  group: SERVICES.group,
  version: SERVICES.version,
  plural: SERVICES.plural,
  operations: ['CREATE', 'UPDATE'],
};

/** Creates or corrects it. Answers the version of the configuration. */
export async function registerMutation(client: KubeClient, options: RegistrationOptions): Promise<string> {
  await clearTheWay(client, options);
  const { metadata } = await client.apply<MutatingWebhookConfiguration>(
    MUTATING_WEBHOOKS,
    mutatingConfiguration(options),
    { fieldManager: WEBHOOK_FIELD_MANAGER, force: true },
  );
  return metadata.resourceVersion ?? '';
}

/** An entry has a URL or a Service, and an apply cannot take away the one that another manager wrote. */
async function clearTheWay(client: KubeClient, options: RegistrationOptions): Promise<void> {
  const ref = { name: WEBHOOK_CONFIGURATION };
  const stored = await client.get<MutatingWebhookConfiguration>(MUTATING_WEBHOOKS, ref);
  const entries = stored?.webhooks ?? [];
  const webhooks = entries.filter(
    ({ name, clientConfig: { url } }) =>
      name !== GATE.name || (url === undefined) === (options.url === undefined),
  );
  if (stored === undefined || webhooks.length === entries.length) return;
  const { resourceVersion } = stored.metadata;
  const body = { metadata: { resourceVersion }, webhooks };
  await client.patch(MUTATING_WEBHOOKS, ref, 'merge', body, { fieldManager: WEBHOOK_FIELD_MANAGER });
}

export function mutatingConfiguration(
  options: RegistrationOptions,
): MutatingWebhookConfiguration & { metadata: { name: string } } {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: MUTATING_WEBHOOKS.kind,
    metadata: { name: WEBHOOK_CONFIGURATION },
    webhooks: [
      entry(GATE, options, {
        failurePolicy: 'Ignore',
        // What another webhook turns into a Service of ours is one.
        reinvocationPolicy: 'IfNeeded',
        namespaceSelector: elsewhereThan(options.namespace),
        matchConditions: serviceConditions(options.loadBalancerClass),
      }),
    ],
  };
}
