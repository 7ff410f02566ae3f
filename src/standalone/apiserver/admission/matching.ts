/** Which webhooks a request is put to: rules, scope, namespaceSelector and objectSelector, as kube-apiserver reads them. */
import { CRDS, MUTATING_WEBHOOKS, NAMESPACES, VALIDATING_WEBHOOKS } from '../../../api/kubernetes.ts';
import type { ValidatingWebhookConfiguration, Webhook } from '../../../api/kubernetes.ts';
import { matchesSelector } from '../../../core/config/selector.ts';
import type { CustomResourceDefinition } from '../crd/definition-of-crd.ts';
import type { AdmissionRequest, Definition, ServerState } from '../definition.ts';

type Rule = NonNullable<Webhook['rules']>[number];

/** Every webhook of a kind: configurations by name, webhooks in the order they are written. */
export function configuredWebhooks(state: ServerState, kind: 'mutating' | 'validating'): Webhook[] {
  return [...state.items(kind === 'mutating' ? MUTATING_WEBHOOKS : VALIDATING_WEBHOOKS)]
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    .flatMap((configuration) => (configuration as ValidatingWebhookConfiguration).webhooks ?? []);
}

/** The version of the resource that the webhook wants the request in, or undefined where it wants nothing of it. */
export function matchWebhook(
  state: ServerState,
  webhook: Webhook,
  request: AdmissionRequest,
): string | undefined {
  const { definition } = request;
  const { group, plural } = definition.resource;
  if (
    group === VALIDATING_WEBHOOKS.group &&
    [VALIDATING_WEBHOOKS.plural, MUTATING_WEBHOOKS.plural].includes(plural)
  )
    return undefined;
  const rules = webhook.rules ?? [];
  const version = versionsToOffer(state, webhook, definition).find((offered) =>
    rules.some((rule) => matchesRule(rule, request, offered)),
  );
  return version !== undefined && selectsNamespace(state, webhook, request) && selectsObject(webhook, request)
    ? version
    : undefined;
}

/** The version of the request first; with matchPolicy Equivalent (the default) the others the resource is served in as well. */
function versionsToOffer(
  state: ServerState,
  { matchPolicy }: Webhook,
  { resource, custom }: Definition,
): string[] {
  if (!custom || matchPolicy === 'Exact') return [resource.version];
  const crd = state.find(CRDS, undefined, `${resource.plural}.${resource.group}`) as unknown as
    CustomResourceDefinition | undefined;
  const served = (crd?.spec.versions ?? []).filter((version) => version.served).map(({ name }) => name);
  return [resource.version, ...served.filter((name) => name !== resource.version)];
}

function matchesRule(
  rule: Rule,
  { definition, operation, subresource, namespace }: AdmissionRequest,
  version: string,
): boolean {
  const { group, plural } = definition.resource;
  const scope = rule.scope ?? '*';
  const namespaced = definition.resource.namespaced && namespace !== undefined;
  return (
    includes(rule.operations, operation) &&
    includes(rule.apiGroups, group) &&
    includes(rule.apiVersions, version) &&
    (scope === '*' || (scope === 'Namespaced') === namespaced) &&
    (rule.resources ?? []).some((pattern) => {
      const [resource = '', part = ''] = pattern.split('/');
      return (resource === '*' || resource === plural) && (part === '*' || part === subresource);
    })
  );
}

function includes(values: readonly string[] | undefined, value: string): boolean {
  return values?.some((candidate) => candidate === '*' || candidate === value) === true;
}

/** A Namespace is selected by its own labels; other objects without a namespace always are. */
function selectsNamespace(
  state: ServerState,
  { namespaceSelector = {} }: Webhook,
  request: AdmissionRequest,
): boolean {
  const { definition, namespace, object, oldObject } = request;
  const { group, plural, namespaced } = definition.resource;
  if (group === NAMESPACES.group && plural === NAMESPACES.plural)
    return matchesSelector(namespaceSelector, (object ?? oldObject)?.metadata.labels ?? {});
  if (!namespaced || namespace === undefined) return true;
  return matchesSelector(
    namespaceSelector,
    state.find(NAMESPACES, undefined, namespace)?.metadata.labels ?? {},
  );
}

/** Either state of the object suffices, so that nobody slips out by changing a label. */
function selectsObject({ objectSelector = {} }: Webhook, { object, oldObject }: AdmissionRequest): boolean {
  const states = [object, oldObject].filter((state) => state !== undefined);
  return states.some(({ metadata }) => matchesSelector(objectSelector, metadata.labels ?? {}));
}
