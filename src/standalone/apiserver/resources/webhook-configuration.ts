/** admissionregistration.k8s.io/v1: which webhooks are asked about which requests. admission/ does the asking. */
import { MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS } from '../../../api/kubernetes.ts';
import type { ValidatingWebhookConfiguration, Webhook } from '../../../api/kubernetes.ts';
import type { Resource } from '../../../api/meta.ts';
import { conditionFaults } from '../admission/match-conditions.ts';
import type { Definition, FieldFault, Schema, Stored } from '../definition.ts';
import { faultsOfSubdomain } from '../schema/names.ts';
import { selectorFaults } from './label-selector.ts';
import { AGE, INT32, LABEL_SELECTOR, list, listByKey, NAME, object, oneOf, TEXT } from './parts.ts';

const SERVICE_REFERENCE = object(
  { namespace: TEXT, name: TEXT, path: TEXT, port: { ...INT32, default: 443 } },
  ['namespace', 'name'],
);

const COMMON: Record<string, Schema> = {
  name: TEXT,
  clientConfig: object({
    url: TEXT,
    service: SERVICE_REFERENCE,
    caBundle: { type: 'string', format: 'byte' },
  }),
  rules: list(
    object({
      operations: list(oneOf('*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE')),
      apiGroups: list(TEXT),
      apiVersions: list(TEXT),
      resources: list(TEXT),
      scope: { ...oneOf('*', 'Cluster', 'Namespaced'), default: '*' },
    }),
  ),
  failurePolicy: { ...oneOf('Fail', 'Ignore'), default: 'Fail' },
  matchPolicy: { ...oneOf('Equivalent', 'Exact'), default: 'Equivalent' },
  namespaceSelector: { ...LABEL_SELECTOR, default: {} },
  objectSelector: { ...LABEL_SELECTOR, default: {} },
  sideEffects: oneOf('None', 'NoneOnDryRun'),
  timeoutSeconds: { ...INT32, default: 10 },
  admissionReviewVersions: list(TEXT),
  matchConditions: listByKey(['name'], object({ name: TEXT, expression: TEXT }, ['name', 'expression'])),
};

const REQUIRED = ['name', 'clientConfig', 'sideEffects', 'admissionReviewVersions'];

export const WEBHOOK_CONFIGURATIONS: readonly Definition[] = [
  configuration(VALIDATING_WEBHOOKS, object(COMMON, REQUIRED)),
  configuration(
    MUTATING_WEBHOOKS,
    object({ ...COMMON, reinvocationPolicy: { ...oneOf('IfNeeded', 'Never'), default: 'Never' } }, REQUIRED),
  ),
];

function configuration(resource: Resource, webhook: Schema): Definition {
  return {
    resource,
    listKind: `${resource.kind}List`,
    singular: resource.kind.toLowerCase(),
    shortNames: [],
    categories: ['api-extensions'],
    hasStatus: false,
    hasGeneration: true,
    schema: object({ webhooks: listByKey(['name'], webhook) }),
    columns: [NAME, { name: 'Webhooks', type: 'integer', cell: (stored) => webhooksOf(stored).length }, AGE],
    strategy: {
      validate: (stored) =>
        webhooksOf(stored).flatMap((hook, index) => webhookFaults(hook, `webhooks[${index}]`)),
    },
    custom: false,
  };
}

function webhooksOf(stored: Stored): readonly Webhook[] {
  return (stored as ValidatingWebhookConfiguration).webhooks ?? [];
}

function webhookFaults(hook: Webhook, path: string): FieldFault[] {
  const faults: FieldFault[] = faultsOfSubdomain(hook.name).map((message) =>
    invalid(`${path}.name`, hook.name, message),
  );
  if (hook.name.split('.').length < 3)
    faults.push(
      invalid(`${path}.name`, hook.name, 'should be a domain with at least three segments separated by dots'),
    );
  faults.push(...conditionFaults(hook.matchConditions ?? [], `${path}.matchConditions`));
  const versions = hook.admissionReviewVersions ?? [];
  if (!versions.includes('v1'))
    faults.push(invalid(`${path}.admissionReviewVersions`, versions, 'must include at least one of v1'));
  const seconds = hook.timeoutSeconds;
  if (seconds !== undefined && (seconds < 1 || seconds > 30))
    faults.push(
      invalid(`${path}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds'),
    );
  for (const selector of ['namespaceSelector', 'objectSelector'] as const)
    faults.push(...selectorFaults(`${path}.${selector}`, hook[selector] ?? {}));
  return [...faults, ...clientFaults(hook.clientConfig, `${path}.clientConfig`), ...ruleFaults(hook, path)];
}

function clientFaults({ url, service }: Webhook['clientConfig'], path: string): FieldFault[] {
  const faults: FieldFault[] = [];
  if ((url === undefined) === (service === undefined))
    faults.push({ reason: 'Required', path, message: 'exactly one of url or service is required' });
  if (url !== undefined) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed === undefined) faults.push(invalid(`${path}.url`, url, 'url must be a valid URL'));
    else if (parsed.protocol !== 'https:')
      faults.push(
        invalid(
          `${path}.url`,
          url,
          "'https' is the only allowed URL scheme; desired format: https://host[/path]",
        ),
      );
    else if (parsed.search !== '' || parsed.hash !== '' || parsed.username !== '')
      faults.push(invalid(`${path}.url`, url, 'user, query and fragment are not permitted in the URL'));
  }
  if (service?.path !== undefined && !service.path.startsWith('/'))
    faults.push(invalid(`${path}.service.path`, service.path, "must start with a '/'"));
  if (service?.port !== undefined && (service.port < 1 || service.port > 65_535))
    faults.push(
      invalid(
        `${path}.service.port`,
        service.port,
        'port is not valid: must be between 1 and 65535, inclusive',
      ),
    );
  return faults;
}

/** What may not be mixed: `*` with anything else. */
function ruleFaults({ rules = [] }: Webhook, path: string): FieldFault[] {
  const faults: FieldFault[] = [];
  for (const [index, rule] of rules.entries()) {
    for (const field of ['operations', 'apiGroups', 'apiVersions', 'resources'] as const) {
      const values = rule[field] ?? [];
      const at = `${path}.rules[${index}].${field}`;
      if (values.length === 0) faults.push({ reason: 'Required', path: at, message: '' });
      if (values.length > 1 && values.includes('*') && field !== 'resources')
        faults.push(invalid(at, values, "if '*' is present, must not specify other values"));
    }
  }
  return faults;
}

function invalid(path: string, value: unknown, message: string): FieldFault {
  return { reason: 'Invalid', path, value, message };
}
