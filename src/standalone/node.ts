/**
 * Where no kubelet runs, somebody must say that a machine is a node: speakers choose among the Node objects. This writes
 * one as a kubelet would: named, labelled with its host name, and Ready. Other labels on it are left alone.
 */
import { UP_FIELD_MANAGER } from '../api/annotations.ts';
import { NODES, type Node } from '../api/kubernetes.ts';
import type { KubeClient } from '../ports.ts';

/** Creates or refreshes the Node. `internalIp` is the address other nodes know it by, where there is one. */
export async function registerNode(client: KubeClient, name: string, internalIp?: string): Promise<void> {
  const options = { fieldManager: UP_FIELD_MANAGER, force: true };
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' };
  await client.apply<Node>(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } }, options);
  const addresses = [
    { type: 'Hostname', address: name },
    ...(internalIp === undefined ? [] : [{ type: 'InternalIP', address: internalIp }]),
  ];
  const conditions = [
    { type: 'Ready', status: 'True', reason: 'Registered', message: 'registered without a kubelet' },
  ];
  await client.apply<Node>(
    NODES,
    { apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { addresses, conditions } },
    { ...options, subresource: 'status' },
  );
}
