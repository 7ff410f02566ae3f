/** What kube-proxy must be told before addresses are announced on the local network. */

export type KubeProxyVerdict =
  | { readonly kind: 'fine'; readonly mode: string }
  /** A sentence with the field, its value and the remedy. */
  | { readonly kind: 'fault'; readonly why: string };

const RESTART = 'restart kube-proxy (kubectl -n kube-system rollout restart daemonset/kube-proxy)';

/**
 * Of a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1), parsed; undefined for anything else. In IPVS mode kube-proxy puts every
 * address of a Service on an interface of every node, and without strictARP each of them answers ARP for it, beside the one that
 * announces it (MetalLB, installation, preparation).
 */
export function judgeKubeProxy(document: unknown): KubeProxyVerdict | undefined {
  if (!isMap(document) || document['kind'] !== 'KubeProxyConfiguration') return undefined;
  const { mode, ipvs } = document;
  // '' is what the platform prefers: iptables on Linux.
  const named = typeof mode === 'string' && mode !== '' ? mode : 'iptables';
  const strict = isMap(ipvs) && ipvs['strictARP'] === true;
  if (named !== 'ipvs' || strict) return { kind: 'fine', mode: named };
  const why = `mode is ipvs and ipvs.strictARP is not true, so every node answers ARP for every address; set it to true and ${RESTART}`;
  return { kind: 'fault', why };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
