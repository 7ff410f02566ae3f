/**
 * The floor: what of the gate holds with every process of Cleat dead. The pools and the namespaces they are open to, the pools
 * that AddressPolicies allow to namespaces, and the reservations and the namespaces they let in, are compiled into one ConfigMap, the
 * parameter of a ValidatingAdmissionPolicy that the API server evaluates by itself. It says the codes and the first words the
 * webhook says; who holds what, and what is free, it cannot know.
 *
 * What must always hold: the floor refuses nothing the webhook would admit on the same objects. What it cannot tell, such as a
 * pool or a reservation for Services with certain labels, or whom exactly a PolicyException is for, it takes for allowed; without pools, without the ConfigMap or where an expression
 * fails, everything passes.
 */
import { ENFORCE_LABEL, LEGACY_PREFIX, LOAD_BALANCER_IPS, PREFIX } from '../../api/annotations.ts';
import type { Level } from '../../api/findings.ts';
import type { ConfigMap } from '../../api/kubernetes.ts';
import type { KubeObject } from '../../api/meta.ts';
import { PolicyIndex } from '../allocation/namespace-rules.ts';
import { Reserved } from '../allocation/reserved.ts';
import type { Snapshot } from '../config/snapshot.ts';
import type { AddressRange } from '../net/address.ts';
import { cidrsOf } from '../net/cidrs.ts';
import { serviceConditions } from './service-conditions.ts';

export const FLOOR = 'cleat-floor';
const POLICY_NAME = 'floor.cleat.dev';
const POLICY_API = 'admissionregistration.k8s.io/v1';
const NAMESPACE_PREFIX = 'namespace.';
const ONLY = 'only';
const ONLY_PREFIX = `${ONLY}.`;
const RESERVED_PREFIX = 'reserved.';
const EXCEPTED_PREFIX = 'excepted.';
/** In the place of a namespace: every one. */
const EVERYWHERE = '*';
/** What it refuses. */
const CODES = ['LB101', 'LB106', 'LB118'] as const;

export interface FloorOptions {
  /** Cleat's own; the ConfigMap is there, and its Services are not looked at. */
  readonly namespace: string;
  /** What is done where a namespace has no label of its own. */
  readonly level: Level;
  readonly loadBalancerClass?: string;
}

/**
 * The parameter: CIDRs with blanks between them. `open` are those for everybody, `namespace.NAME` those for one namespace
 * besides, `closed` all that are not open; `pools` is how many pools there are. `only.NAME` are those that policies allow to one
 * namespace, `only` those they allow to all others; without either they allow all. `reserved` are those that are reserved,
 * `reserved.NAME` those of them that one namespace may have. `excepted.CODE` are namespaces with exceptions from a rule.
 */
export function compileFloor(
  { pools, reservations, policies, exceptions }: Snapshot,
  namespace: string,
): ConfigMap & { data: Record<string, string> } {
  const all = [...pools.values()];
  const join = (some: typeof all): string => cidrsOf(some.flatMap(({ ranges }) => ranges)).join(' ');
  const isClosed = ({ allocation }: (typeof all)[number]): boolean => allocation?.namespaces !== undefined;
  const closed = all.filter(isClosed);
  const guests = [
    ...new Set(closed.flatMap(({ allocation }) => [...(allocation?.namespaces ?? [])])),
  ].toSorted();
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: FLOOR, namespace },
    data: {
      pools: String(all.length),
      open: join(all.filter((pool) => !isClosed(pool))),
      closed: join(closed),
      ...Object.fromEntries(
        guests.map((guest) => [
          NAMESPACE_PREFIX + guest,
          join(closed.filter(({ allocation }) => allocation?.namespaces?.has(guest))),
        ]),
      ),
      ...onlyData(pools, policies),
      ...reservedData(reservations),
      ...exceptedData(exceptions),
    },
  };
}

function onlyData(pools: Snapshot['pools'], policies: Snapshot['policies']): Record<string, string> {
  const limiting = policies.filter((policy) => policy.pools !== undefined);
  const index = new PolicyIndex(limiting);
  const cidrsFor = (namespace: string): string | undefined => {
    const { pools: names } = index.rulesOf(namespace);
    return names && cidrsOf([...names].flatMap((name) => pools.get(name)?.ranges ?? [])).join(' ');
  };
  const data: Record<string, string> = {};
  // No namespace is called so: what holds where none of them is named.
  const elsewhere = cidrsFor('');
  if (elsewhere !== undefined) data[ONLY] = elsewhere;
  for (const name of new Set(limiting.flatMap(({ namespaces }) => [...(namespaces ?? [])].toSorted()))) {
    const own = cidrsFor(name);
    if (own !== undefined && own !== elsewhere) data[ONLY_PREFIX + name] = own;
  }
  return data;
}

/** Who is let in by labels is let in: labels are not looked at. */
function reservedData(reservations: Snapshot['reservations']): Record<string, string> {
  const certain = reservations
    .filter(({ namespaces }) => namespaces !== undefined)
    .map((reservation) => ({ ...reservation, serviceSelectors: [] }));
  if (certain.length === 0) return {};
  const reserved = new Reserved(certain);
  const guests = [...new Set(certain.flatMap(({ namespaces }) => [...(namespaces ?? [])]))].toSorted();
  const ownOf = (namespace: string): readonly AddressRange[] => {
    const own = reserved.ownOf({ namespace, labels: {} });
    return (['IPv4', 'IPv6'] as const).flatMap((family) =>
      own[family].map(({ first, last }) => ({ family, first, last })),
    );
  };
  return {
    reserved: cidrsOf(certain.flatMap(({ ranges }) => ranges)).join(' '),
    ...Object.fromEntries(guests.map((guest) => [RESERVED_PREFIX + guest, cidrsOf(ownOf(guest)).join(' ')])),
  };
}

function exceptedData(exceptions: Snapshot['exceptions']): Record<string, string> {
  const data: Record<string, string> = {};
  for (const code of CODES) {
    const objects = exceptions.filter((each) => each.code === code).flatMap((each) => each.objects);
    const namespaces = objects
      .filter(({ kind }) => kind === 'Service')
      .flatMap((each) => [...(each.namespaces ?? [EVERYWHERE])]);
    if (namespaces.length > 0) data[EXCEPTED_PREFIX + code] = [...new Set(namespaces)].toSorted().join(' ');
  }
  return data;
}

/** The policy and its binding. They name no pool, so they are applied once. */
export function floorPolicy({ namespace, level, loadBalancerClass }: FloorOptions): readonly KubeObject[] {
  const elsewhere = [
    { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', namespace] },
    { key: ENFORCE_LABEL, operator: 'NotIn', values: ['warn', 'audit'] },
  ];
  const policy = {
    apiVersion: POLICY_API,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: POLICY_NAME },
    spec: {
      failurePolicy: 'Ignore',
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints: {
        namespaceSelector: { matchExpressions: elsewhere },
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['services'] },
        ],
      },
      matchConditions: [
        ...serviceConditions(loadBalancerClass),
        // What was stored already is not refused.
        { name: 'asks-for-something-else', expression: ASKS_FOR_SOMETHING_ELSE },
      ],
      variables: VARIABLES,
      validations: [
        validation('LB101', 'outside', "' is in no pool open to namespace ' + request.namespace"),
        validation('LB106', 'shut', "' is in a pool which is not open to namespace ' + request.namespace"),
        validation('LB118', 'kept', "' is reserved for others'"),
      ],
    },
  };
  const binding = {
    apiVersion: POLICY_API,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: POLICY_NAME },
    spec: {
      policyName: POLICY_NAME,
      paramRef: { name: FLOOR, namespace, parameterNotFoundAction: 'Allow' },
      validationActions: [ACTIONS[level]],
    },
  };
  return [policy, binding];
}

/** `faulty` is the variable with the addresses that are refused. */
function validation(code: (typeof CODES)[number], faulty: string, wrong: string): object {
  const excepted = wordsOf(`'${EXCEPTED_PREFIX}${code}'`);
  return {
    expression: `params.data.pools == '0' || size(variables.${faulty}) == 0 || ${excepted}.exists(n, n == '${EVERYWHERE}' || n == request.namespace)`,
    reason: 'Forbidden',
    messageExpression: `'${code} ' + variables.path + ' ' + variables.${faulty}[0] + ${wrong}`,
  };
}

/** The words under a key of the parameter; none where it is not there. */
function wordsOf(key: string): string {
  return `(${key} in params.data ? params.data[${key}] : '').split(' ').filter(c, c != '')`;
}

const ACTIONS: Readonly<Record<Level, string>> = { deny: 'Deny', warn: 'Warn', audit: 'Audit' };

const annotation = (object: string, prefix: string): string => {
  const key = `'${prefix}${LOAD_BALANCER_IPS}'`;
  const annotations = `${object}.metadata.annotations`;
  return `(has(${annotations}) && ${key} in ${annotations} ? ${annotations}[${key}] : '')`;
};

const field = (object: string): string =>
  `(has(${object}.spec.loadBalancerIP) ? ${object}.spec.loadBalancerIP : '')`;

const requestOf = (object: string): string =>
  `[${annotation(object, PREFIX)}, ${annotation(object, LEGACY_PREFIX)}, ${field(object)}]`;

const ASKS_FOR_SOMETHING_ELSE = `oldObject == null || oldObject.spec.type != 'LoadBalancer' || ${requestOf('object')} != ${requestOf('oldObject')}`;

const isIn = (cidrs: string): string => `variables.${cidrs}.exists(c, cidr(c).containsIP(x))`;

const HAS_IT = 'variables.has.exists(h, h == ip(x))';

/** In the order they are read: the request, its addresses, what is allowed, and what is wrong. */
const VARIABLES: readonly { readonly name: string; readonly expression: string }[] = [
  { name: 'first', expression: annotation('object', PREFIX) },
  // Where both are set the first counts, even when empty.
  {
    name: 'second',
    expression: `has(object.metadata.annotations) && '${PREFIX}${LOAD_BALANCER_IPS}' in object.metadata.annotations ? '' : ${annotation('object', LEGACY_PREFIX)}`,
  },
  {
    name: 'path',
    expression: `variables.first != '' ? 'metadata.annotations[${PREFIX}${LOAD_BALANCER_IPS}]' : variables.second != '' ? 'metadata.annotations[${LEGACY_PREFIX}${LOAD_BALANCER_IPS}]' : 'spec.loadBalancerIP'`,
  },
  {
    name: 'text',
    expression: `variables.first != '' ? variables.first : variables.second != '' ? variables.second : ${field('object')}`,
  },
  // What is no address is for the webhook to explain.
  { name: 'wanted', expression: "variables.text.split(',').map(x, x.trim()).filter(x, isIP(x))" },
  {
    name: 'allowed',
    expression: `(params.data.open + ' ' + ('${NAMESPACE_PREFIX}' + request.namespace in params.data ? params.data['${NAMESPACE_PREFIX}' + request.namespace] : '')).split(' ').filter(c, c != '')`,
  },
  { name: 'closed', expression: "params.data.closed.split(' ').filter(c, c != '')" },
  {
    name: 'outside',
    expression: `variables.wanted.filter(x, !${isIn('allowed')} && !${isIn('closed')})`,
  },
  { name: 'reserved', expression: wordsOf("'reserved'") },
  { name: 'own', expression: wordsOf(`'${RESERVED_PREFIX}' + request.namespace`) },
  // Who has an address when it is reserved, or when a policy shuts its pool, keeps it.
  {
    name: 'has',
    expression: `oldObject != null && has(oldObject.status) && has(oldObject.status.loadBalancer) && has(oldObject.status.loadBalancer.ingress) ? oldObject.status.loadBalancer.ingress.filter(i, has(i.ip) && isIP(i.ip)).map(i, ip(i.ip)) : []`,
  },
  {
    name: 'kept',
    expression: `variables.wanted.filter(x, ${isIn('reserved')} && !${isIn('own')} && !${HAS_IT})`,
  },
  {
    name: 'limited',
    expression: `'${ONLY}' in params.data || '${ONLY_PREFIX}' + request.namespace in params.data`,
  },
  {
    name: 'only',
    expression: `'${ONLY_PREFIX}' + request.namespace in params.data ? ${wordsOf(`'${ONLY_PREFIX}' + request.namespace`)} : ${wordsOf(`'${ONLY}'`)}`,
  },
  {
    name: 'shut',
    expression: `variables.wanted.filter(x, ${isIn('allowed')} ? variables.limited && !${isIn('only')} && !${HAS_IT} : ${isIn('closed')})`,
  },
];
