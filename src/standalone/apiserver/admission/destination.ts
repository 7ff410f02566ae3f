/** Where a webhook listens: the URL it gives, or an endpoint of the Service it names. */
import { ENDPOINT_SLICES, SERVICES } from '../../../api/kubernetes.ts';
import type { EndpointSlice, Webhook } from '../../../api/kubernetes.ts';
import type { ServerState, Stored } from '../definition.ts';
import { asService } from '../resources/service-spec.ts';

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
const HTTPS_PORT = 443;

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The URL is what messages name, and where TLS and the Host header take their name from. */
export type Destination =
  | { readonly ok: true; readonly url: string; readonly connectTo?: Endpoint }
  | { readonly ok: false; readonly url: string; readonly why: string };

/**
 * A Service is resolved to one of its ready endpoints, because nothing routes cluster IPs where this server runs. A Service
 * whose endpoints nobody wrote down is tried at its cluster IP.
 */
export function findDestination(
  state: ServerState,
  config: Webhook['clientConfig'],
  timeoutSeconds: number,
): Destination {
  const timeout = `timeout=${timeoutSeconds}s`;
  const { url, service: reference } = config;
  if (reference === undefined) return { ok: true, url: `${url}?${timeout}` };
  const { namespace, name, path = '/', port = HTTPS_PORT } = reference;
  const address = `https://${name}.${namespace}.svc:${port}${path}?${timeout}`;
  const refuse = (why: string): Destination => ({ ok: false, url: address, why });

  const stored = state.find(SERVICES, namespace, name);
  if (stored === undefined) return refuse(`service ${JSON.stringify(name)} not found`);
  const { spec } = asService(stored);
  if (spec.type === 'ExternalName')
    return { ok: true, url: address, connectTo: { host: spec.externalName ?? '', port } };
  const servicePort = spec.ports?.find((candidate) => candidate.port === port);
  if (servicePort === undefined)
    return refuse(`no service port ${port} found for service ${JSON.stringify(name)}`);

  const slices = [...state.items(ENDPOINT_SLICES, namespace)].filter(
    ({ metadata }) => metadata.labels?.[SERVICE_NAME_LABEL] === name,
  );
  const [endpoint] = slices.flatMap((slice) => readyEndpoints(slice, servicePort.name ?? ''));
  if (endpoint !== undefined) return { ok: true, url: address, connectTo: endpoint };
  const clusterIp = spec.clusterIPs?.[0] ?? 'None';
  if (slices.length > 0 || clusterIp === 'None')
    return refuse(`no endpoints available for service ${JSON.stringify(name)}`);
  return { ok: true, url: address, connectTo: { host: clusterIp, port } };
}

function readyEndpoints(stored: Stored, portName: string): Endpoint[] {
  const { endpoints, ports = [] } = stored as unknown as EndpointSlice;
  const port = ports.find(({ name = '' }) => name === portName)?.port;
  if (port === undefined) return [];
  // Ready unless it says that it is not (discovery.k8s.io/v1 EndpointConditions).
  return endpoints
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.map((host) => ({ host, port })));
}
