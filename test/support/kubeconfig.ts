/** Kubeconfig files for tests. */

interface Target {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
}

/** The text of a kubeconfig for one server and one token. JSON, which is YAML. */
export function formatKubeconfig({ url, caPem, token }: Target): string {
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(caPem).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
