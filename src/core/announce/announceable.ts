/** What announcing needs of a Service, its endpoints and the nodes, made once from the API objects. */
import { ALLOW_SHARED_IP, EXCLUDE_NODE_LABEL, readAnnotation } from '../../api/annotations.ts';
import type { EndpointSlice, Node, Service } from '../../api/kubernetes.ts';
import { viewService } from '../allocation/view-service.ts';
import type { Address } from '../net/address.ts';

export interface Announceable {
  /** `namespace/name`. */
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  /** True for type LoadBalancer of our class. */
  readonly ours: boolean;
  /** Of status.loadBalancer.ingress, in its order. */
  readonly addresses: readonly Address[];
  /** An entry of the ingress is no address, for example a host name: somebody else's. */
  readonly foreignIngress: boolean;
  /** Has the allow-shared-ip annotation, be it empty. */
  readonly sharing: boolean;
  /** externalTrafficPolicy: only nodes with an endpoint may announce. */
  readonly local: boolean;
  /** Some endpoint can serve, on whatever node. */
  readonly served: boolean;
  /** Nodes with an endpoint that can serve. */
  readonly servingNodes: ReadonlySet<string>;
}

export interface NodeView {
  readonly labels: Readonly<Record<string, string>>;
  /** Has no working network, by its condition NetworkUnavailable. */
  readonly networkUnavailable: boolean;
  /** Carries the label that excludes it from load balancers; its value does not matter. */
  readonly excluded: boolean;
}

/** `slices` are those of this Service. `ourClass` is the loadBalancerClass this installation was started with. */
export function viewAnnounceable(
  service: Service,
  slices: Iterable<EndpointSlice>,
  ourClass?: string,
): Announceable {
  const view = viewService(service, ourClass);
  const serving = [...slices].flatMap((slice) => slice.endpoints ?? []).filter(canServe);
  return {
    key: view.key,
    labels: view.labels,
    ours: view.ours,
    addresses: view.held,
    foreignIngress: (service.status?.loadBalancer?.ingress?.length ?? 0) !== view.held.length,
    sharing: readAnnotation(service.metadata.annotations, ALLOW_SHARED_IP) !== undefined,
    local: service.spec?.externalTrafficPolicy === 'Local',
    served: serving.length > 0,
    servingNodes: new Set(serving.flatMap((endpoint) => endpoint.nodeName ?? [])),
  };
}

export function viewNode(node: Node): NodeView {
  const labels = node.metadata.labels ?? {};
  return {
    labels,
    networkUnavailable: (node.status?.conditions ?? []).some(
      ({ type, status }) => type === 'NetworkUnavailable' && status === 'True',
    ),
    excluded: labels[EXCLUDE_NODE_LABEL] !== undefined,
  };
}

/** Ready, or not known not to be; one that is terminating still counts while it serves (MetalLB epslices). */
function canServe({ conditions }: EndpointSlice['endpoints'][number]): boolean {
  return (conditions?.ready ?? true) || conditions?.serving === true;
}
