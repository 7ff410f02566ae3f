/** What a credential plugin of a kubeconfig is told about what it is asked for, which KubeConfig leaves out. */
import type { Cluster, User } from '@kubernetes/client-node';

/** The part of a kubeconfig's exec section that matters here (client.authentication.k8s.io/v1). */
interface ExecSection {
  readonly apiVersion?: string;
  readonly provideClusterInfo?: boolean;
  env?: { name: string; value: string }[];
}

const EXEC_INFO = 'KUBERNETES_EXEC_INFO';

/** Tells a credential plugin by its environment what client-go tells it (KEP-541); some refuse to run without. */
export function tellPlugin(user: User, cluster: Cluster): void {
  const exec = user.exec as ExecSection | undefined;
  if (exec === undefined || exec.env?.some(({ name }) => name === EXEC_INFO) === true) return;
  const info = {
    kind: 'ExecCredential',
    apiVersion: exec.apiVersion ?? 'client.authentication.k8s.io/v1',
    spec: { interactive: false, ...(exec.provideClusterInfo === true && { cluster: clusterInfo(cluster) }) },
  };
  exec.env = [...(exec.env ?? []), { name: EXEC_INFO, value: JSON.stringify(info) }];
}

function clusterInfo({ server, caData, skipTLSVerify, tlsServerName, proxyUrl }: Cluster): object {
  return {
    server,
    'certificate-authority-data': caData,
    ...(skipTLSVerify && { 'insecure-skip-tls-verify': true }),
    'tls-server-name': tlsServerName,
    'proxy-url': proxyUrl,
  };
}
