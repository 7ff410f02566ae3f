/**
 * The numbers of fields in protobuf messages of built-in kinds (k8s.io/api and k8s.io/apimachinery, generated.proto; they never
 * change). Written `number name[?][[]][:type]`: `?` for what Go holds by pointer, `[]` for lists; the type is text unless named.
 */

export interface Field {
  readonly name: string;
  /** text, number, flag, blob (base64 in JSON), texts and blobs (maps), time, fields, intOrString, raw, or a message. */
  readonly type: string;
  readonly pointer: boolean;
  readonly repeated: boolean;
}

export interface Message {
  readonly fields: ReadonlyMap<number, Field>;
  /** A kind that comes as a body. */
  readonly root: boolean;
}

const KINDS: Readonly<Record<string, string>> = {
  ClusterRole: '1 metadata:ObjectMeta, 2 rules[]:PolicyRule, 3 aggregationRule?:AggregationRule',
  ClusterRoleBinding: '1 metadata:ObjectMeta, 2 subjects[]:Subject, 3 roleRef:RoleRef',
  ConfigMap: '1 metadata:ObjectMeta, 2 data:texts, 3 binaryData:blobs, 4 immutable?:flag',
  DeleteOptions:
    '1 gracePeriodSeconds?:number, 2 preconditions?:Preconditions, 3 orphanDependents?:flag, 4 propagationPolicy?, 5 dryRun[]',
  EndpointSlice: '1 metadata:ObjectMeta, 2 endpoints[]:Endpoint, 3 ports[]:EndpointPort, 4 addressType',
  Event:
    '1 metadata:ObjectMeta, 2 involvedObject:ObjectReference, 3 reason, 4 message, 5 source:EventSource, 6 firstTimestamp:time, 7 lastTimestamp:time, 8 count:number, 9 type, 10 eventTime:time, 11 series?:EventSeries, 12 action, 13 related?:ObjectReference, 14 reportingComponent, 15 reportingInstance',
  Lease: '1 metadata:ObjectMeta, 2 spec:LeaseSpec',
  Namespace: '1 metadata:ObjectMeta, 2 spec:NamespaceSpec',
  Role: '1 metadata:ObjectMeta, 2 rules[]:PolicyRule',
  RoleBinding: '1 metadata:ObjectMeta, 2 subjects[]:Subject, 3 roleRef:RoleRef',
  Secret: '1 metadata:ObjectMeta, 2 data:blobs, 3 type, 4 stringData:texts, 5 immutable?:flag',
  Service: '1 metadata:ObjectMeta, 2 spec:ServiceSpec, 3 status:ServiceStatus',
  ServiceAccount:
    '1 metadata:ObjectMeta, 2 secrets[]:ObjectReference, 3 imagePullSecrets[]:LocalObjectReference, 4 automountServiceAccountToken?:flag',
};

const PARTS: Readonly<Record<string, string>> = {
  AggregationRule: '1 clusterRoleSelectors[]:LabelSelector',
  BlobEntry: '1 key, 2 value:blob',
  ClientIPConfig: '1 timeoutSeconds?:number',
  Condition: '1 type, 2 status, 3 observedGeneration:number, 4 lastTransitionTime:time, 5 reason, 6 message',
  Endpoint:
    '1 addresses[], 2 conditions:EndpointConditions, 3 hostname?, 4 targetRef?:ObjectReference, 6 nodeName?, 7 zone?, 8 hints?:EndpointHints',
  EndpointConditions: '1 ready?:flag, 2 serving?:flag, 3 terminating?:flag',
  EndpointHints: '1 forZones[]:ForZone',
  EndpointPort: '1 name?, 2 protocol?, 3 port?:number, 4 appProtocol?',
  EventSeries: '1 count:number, 2 lastObservedTime:time',
  EventSource: '1 component, 2 host',
  FieldsV1: '1 raw:raw',
  ForZone: '1 name',
  IntOrString: '1 type:number, 2 intVal:number, 3 strVal',
  LabelSelector: '1 matchLabels:texts, 2 matchExpressions[]:LabelSelectorRequirement',
  LabelSelectorRequirement: '1 key, 2 operator, 3 values[]',
  LeaseSpec:
    '1 holderIdentity?, 2 leaseDurationSeconds?:number, 3 acquireTime?:time, 4 renewTime?:time, 5 leaseTransitions?:number, 6 strategy?, 7 preferredHolder?',
  LoadBalancerIngress: '1 ip, 2 hostname, 3 ipMode?, 4 ports[]:PortStatus',
  LoadBalancerStatus: '1 ingress[]:LoadBalancerIngress',
  LocalObjectReference: '1 name',
  ManagedFieldsEntry:
    '1 manager, 2 operation, 3 apiVersion, 4 time?:time, 6 fieldsType, 7 fieldsV1?:fields, 8 subresource',
  NamespaceSpec: '1 finalizers[]',
  ObjectMeta:
    '1 name, 2 generateName, 3 namespace, 5 uid, 6 resourceVersion, 7 generation:number, 8 creationTimestamp:time, 9 deletionTimestamp?:time, 10 deletionGracePeriodSeconds?:number, 11 labels:texts, 12 annotations:texts, 13 ownerReferences[]:OwnerReference, 14 finalizers[], 17 managedFields[]:ManagedFieldsEntry',
  ObjectReference: '1 kind, 2 namespace, 3 name, 4 uid, 5 apiVersion, 6 resourceVersion, 7 fieldPath',
  OwnerReference: '1 kind, 3 name, 4 uid, 5 apiVersion, 6 controller?:flag, 7 blockOwnerDeletion?:flag',
  PolicyRule: '1 verbs[], 2 apiGroups[], 3 resources[], 4 resourceNames[], 5 nonResourceURLs[]',
  PortStatus: '1 port:number, 2 protocol, 3 error?',
  Preconditions: '1 uid?, 2 resourceVersion?',
  RoleRef: '1 apiGroup, 2 kind, 3 name',
  ServicePort:
    '1 name, 2 protocol, 3 port:number, 4 targetPort:intOrString, 5 nodePort:number, 6 appProtocol?',
  ServiceSpec:
    '1 ports[]:ServicePort, 2 selector:texts, 3 clusterIP, 4 type, 5 externalIPs[], 7 sessionAffinity, 8 loadBalancerIP, 9 loadBalancerSourceRanges[], 10 externalName, 11 externalTrafficPolicy, 12 healthCheckNodePort:number, 13 publishNotReadyAddresses:flag, 14 sessionAffinityConfig?:SessionAffinityConfig, 17 ipFamilyPolicy?, 18 clusterIPs[], 19 ipFamilies[], 20 allocateLoadBalancerNodePorts?:flag, 21 loadBalancerClass?, 22 internalTrafficPolicy?, 23 trafficDistribution?',
  ServiceStatus: '1 loadBalancer:LoadBalancerStatus, 2 conditions[]:Condition',
  SessionAffinityConfig: '1 clientIP?:ClientIPConfig',
  Subject: '1 kind, 2 apiGroup, 3 name, 4 namespace',
  TextEntry: '1 key, 2 value',
  Time: '1 seconds:number, 2 nanos:number',
  TypeMeta: '1 apiVersion, 2 kind',
  Unknown: '1 typeMeta:TypeMeta, 2 raw:raw',
};

function parseMessage(text: string, root: boolean): Message {
  const fields = new Map<number, Field>();
  for (const part of text.split(', ')) {
    const match = /^(\d+) (\w+)(\?)?(\[\])?(?::(\w+))?$/.exec(part);
    const [, number, name = '', pointer, list, type = 'text'] = match ?? [];
    if (number === undefined) throw new Error(`not a protobuf field: ${part}`);
    fields.set(Number(number), { name, type, pointer: pointer !== undefined, repeated: list !== undefined });
  }
  return { fields, root };
}

export const MESSAGES: Readonly<Record<string, Message>> = Object.fromEntries([
  ...Object.entries(KINDS).map(([name, text]) => [name, parseMessage(text, true)] as const),
  ...Object.entries(PARTS).map(([name, text]) => [name, parseMessage(text, false)] as const),
]);
