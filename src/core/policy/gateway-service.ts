/**
 * The Service that a Gateway's implementation makes of it: which stored one it is, and what one would ask for that is not
 * made yet. Everything is read by the reader of Services, so a Gateway is understood as its Service will be; only the
 * paths are the Gateway's.
 */
import { GATEWAY_NAME_LABEL, GATEWAYS } from '../../api/gateway.ts';
import type { Gateway } from '../../api/gateway.ts';
import type { Service, ServicePort } from '../../api/kubernetes.ts';
import type { AddressRequest, ServiceView } from '../allocation/service-view.ts';
import { viewAsStored, viewService } from '../allocation/view-service.ts';

/** Envoy Gateway keeps its Services in a namespace of its own and says so by these. */
const OWNING_NAME = 'gateway.envoyproxy.io/owning-gateway-name';
const OWNING_NAMESPACE = 'gateway.envoyproxy.io/owning-gateway-namespace';

/** `namespace/name` of the Gateway that the Service was made of: its owner, or the one its labels name. */
export function gatewayOf({ metadata }: Service): string | undefined {
  const { namespace, labels, ownerReferences } = metadata;
  const owner = ownerReferences?.find(
    ({ kind, apiVersion }) => kind === GATEWAYS.kind && apiVersion.startsWith(`${GATEWAYS.group}/`),
  );
  const named = owner?.name ?? labels?.[GATEWAY_NAME_LABEL];
  if (named !== undefined) return `${namespace}/${named}`;
  const owning = labels?.[OWNING_NAME];
  return owning === undefined ? undefined : `${labels?.[OWNING_NAMESPACE] ?? namespace}/${owning}`;
}

/**
 * What the Gateway wants of a load balancer, as views of the Service made of it: one for each address, because what becomes of
 * several is up to the implementation, or one for what the annotations say. Empty where it wants nothing in particular.
 * `made` is that Service, where it is there.
 */
export function viewsOfGateway(
  gateway: Gateway,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  ourClass: string | undefined,
  made: ServiceView | undefined,
): readonly ServiceView[] {
  const { listeners, infrastructure } = gateway.spec ?? {};
  const metadata = {
    namespace,
    name,
    labels: infrastructure?.labels ?? {},
    annotations: infrastructure?.annotations ?? {},
  };
  const viewOf = (address: { readonly text: string; readonly path: string } | undefined): ServiceView => {
    const spec: NonNullable<Service['spec']> = {
      type: 'LoadBalancer',
      ports: portsOf(listeners),
      ...(ourClass !== undefined && { loadBalancerClass: ourClass }),
      ...(address && { loadBalancerIP: address.text }),
    };
    const view = viewAsStored(viewService({ metadata, spec }, ourClass));
    return asMade(withPathsOfGateway(view, address?.path ?? ''), made);
  };
  const addresses = addressesOf(gateway);
  if (addresses.length > 0) return addresses.map(viewOf);
  const view = viewOf(undefined);
  return view.request.kind === 'none' && view.requestedPool === undefined ? [] : [view];
}

/** Those that are IP addresses, with their places; what is not of the form the definition has is left to it. */
function addressesOf({ spec }: Gateway): readonly { readonly text: string; readonly path: string }[] {
  const listed: unknown = spec?.addresses;
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((each: unknown, index) => {
    const { type = 'IPAddress', value } = (each ?? {}) as { type?: unknown; value?: unknown };
    if (type !== 'IPAddress' || typeof value !== 'string' || value === '') return [];
    return [{ text: value, path: `spec.addresses[${index}].value` }];
  });
}

/** HTTP, HTTPS and TLS are TCP; a listener of a protocol of the implementation's own is taken for TCP as well. */
function portsOf(listeners: unknown): ServicePort[] {
  if (!Array.isArray(listeners)) return [];
  return listeners.flatMap((each: unknown) => {
    const { port, protocol } = (each ?? {}) as { port?: unknown; protocol?: unknown };
    return typeof port === 'number' ? [{ port, protocol: protocol === 'UDP' ? 'UDP' : 'TCP' }] : [];
  });
}

function withPathsOfGateway(view: ServiceView, addressPath: string): ServiceView {
  const { requestedPool } = view;
  return {
    ...view,
    request: requestOfGateway(view.request, addressPath),
    ...(requestedPool && { requestedPool: { ...requestedPool, path: pathOfGateway(requestedPool.path) } }),
  };
}

function requestOfGateway(request: AddressRequest, addressPath: string): AddressRequest {
  switch (request.kind) {
    case 'none':
      return request;
    case 'conflicting': {
      const other = request.other.replace('spec.loadBalancerIP', addressPath);
      return { ...request, path: pathOfGateway(request.path), other };
    }
    case 'addresses':
    case 'malformed': {
      const isField = request.path === 'spec.loadBalancerIP';
      return { ...request, path: isField ? addressPath : pathOfGateway(request.path) };
    }
  }
}

function pathOfGateway(path: string): string {
  return path.replace(/^metadata\./, 'spec.infrastructure.');
}

/** What is there already is known better than what can be told from the Gateway. */
function asMade(view: ServiceView, made: ServiceView | undefined): ServiceView {
  if (made === undefined) return view;
  const asked = view.request.kind === 'addresses' ? view.request.addresses.map(({ family }) => family) : [];
  const isPart = asked.length > 0 && asked.every((family) => made.families.includes(family));
  return {
    ...made,
    request: view.request,
    ...(view.requestedPool && { requestedPool: view.requestedPool }),
    ...(view.sharingKey !== '' && { sharingKey: view.sharingKey }),
    // One address of two is looked at by itself.
    ...(isPart && { families: asked, familyPolicy: 'SingleStack' as const }),
  };
}
