/**
 * The floor: what of the gate holds with every process of Cleat dead. The pools and the namespaces they are open to are
 * compiled into one ConfigMap, the parameter of a ValidatingAdmissionPolicy that the API server evaluates by itself. It says
 * the codes and the first words the webhook says; who holds what, and what is free, it cannot know.
 *
 * What must always hold: the floor refuses nothing the webhook would admit on the same pools. What it cannot tell, such as a
 * pool for Services with certain labels, it takes for allowed; without pools, without the ConfigMap or where an expression
 * fails, everything passes.
 */
import { ENFORCE_LABEL, LEGACY_PREFIX, LOAD_BALANCER_IPS, PREFIX } from '../../api/annotations.ts';
import type { Level } from '../../api/findings.ts';
import type { ConfigMap } from '../../api/kubernetes.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Snapshot } from '../config/snapshot.ts';
import { cidrsOf } from '../net/cidrs.ts';
import { serviceConditions } from './service-conditions.ts';

export const FLOOR = 'cleat-floor';
const POLICY_NAME = 'floor.cleat.dev';
const POLICY_API = 'admissionregistration.k8s.io/v1';
const NAMESPACE_PREFIX = 'namespace.';

export interface FloorOptions {
  /** Cleat's own; the ConfigMap is there, and its Services are not looked at. */
  readonly namespace: string;
  /** What is done where a namespace has no label of its own. */
  readonly level: Level;
  readonly loadBalancerClass?: string;
}

/**
 * The parameter: CIDRs with blanks between them. `open` are those for everybody, `namespace.NAME` those for one namespace
 * besides, `closed` all that are not open; `pools` is how many pools there are.
 */
export function compileFloor(
  { pools }: Snapshot,
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
    },
  };
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
        {
          expression: "params.data.pools == '0' || size(variables.outside) == 0",
          reason: 'Forbidden',
          messageExpression:
            "'LB101 ' + variables.path + ' ' + variables.outside[0] + ' is in no pool open to namespace ' + request.namespace",
        },
        {
          expression: "params.data.pools == '0' || size(variables.shut) == 0",
          reason: 'Forbidden',
          messageExpression:
            "'LB106 ' + variables.path + ' ' + variables.shut[0] + ' is in a pool which is not open to namespace ' + request.namespace",
        },
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
  { name: 'shut', expression: `variables.wanted.filter(x, !${isIn('allowed')} && ${isIn('closed')})` },
];
