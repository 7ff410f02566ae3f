/** Flags that several verbs have, under MetalLB's names, and how their values are read. */
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_NAMESPACE } from '../api/metallb.ts';
import { BGP_TYPES, type BgpType } from '../core/config/bgp-type.ts';
import { addServerFlags } from './server-flags.ts';

/** Where Kubernetes tells a pod its namespace. */
const POD_NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

export const kubeconfigFlag = (): Option =>
  new Option(
    '--kubeconfig <file>',
    'how to reach the API server (without it: KUBECONFIG, the pod, ~/.kube/config)',
  );

export const namespaceFlag = (): Option =>
  new Option('--namespace <name>', 'the namespace of the configuration')
    .env('METALLB_NAMESPACE')
    .default(readPodNamespace() ?? DEFAULT_NAMESPACE);

export const lbClassFlag = (): Option =>
  new Option(
    '--lb-class <class>',
    'serve only Services of this spec.loadBalancerClass (without it: those that have none)',
  );

export const bgpTypeFlag = (): Option =>
  new Option(
    '--bgp-type <type>',
    'whose limits in BGP the configuration keeps to: native, frr or frr-k8s of MetalLB',
  )
    .env('METALLB_BGP_TYPE')
    .argParser(parseBgpType)
    .default('native');

export const logLevelFlag = (): Option =>
  new Option('--log-level <level>', 'what to log')
    .choices(['all', 'debug', 'info', 'warn', 'error', 'none'])
    .default('info');

const metricsPortFlag = (): Option =>
  new Option('--port <port>', 'port of /metrics; 0 turns it off').argParser(parsePort).default(9120);

const healthPortFlag = (): Option =>
  new Option('--health-probe-port <port>', 'port of /healthz and /readyz; 0 turns it off')
    .argParser(parsePort)
    .default(17472);

/** Adds the flags that every verb that runs in a cluster has (ClusterFlags). */
export function addClusterFlags(command: Command): Command {
  return addServerFlags(command)
    .addOption(kubeconfigFlag())
    .addOption(namespaceFlag())
    .addOption(lbClassFlag())
    .addOption(bgpTypeFlag())
    .addOption(metricsPortFlag())
    .addOption(healthPortFlag())
    .addOption(logLevelFlag());
}

/** A TCP port, 0 included. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('Write a number from 0 to 65535');
  return port;
}

/** From 1 to 1000. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1 || count > 1000)
    throw new InvalidArgumentError('Write a number from 1 to 1000');
  return count;
}

/** `500ms`, `2s`, `1m`: in milliseconds, at least 100 and at most an hour. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,7})(ms|s|m)$/.exec(text);
  const unitMs = { ms: 1, s: 1_000, m: 60_000 }[match?.[2] ?? ''] ?? Number.NaN;
  const durationMs = Number(match?.[1]) * unitMs;
  if (!(durationMs >= 100 && durationMs <= 3_600_000)) {
    throw new InvalidArgumentError('Write a duration from 100ms to 60m, for example 2s');
  }
  return durationMs;
}

/** As MetalLB has it: nothing is native. */
function parseBgpType(text: string): BgpType {
  const type = text === '' ? 'native' : BGP_TYPES.find((each) => each === text);
  if (type === undefined) throw new InvalidArgumentError(`Write ${BGP_TYPES.join(' or ')}`);
  return type;
}

export function parseBoolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('Write true or false');
  return text === 'true';
}

/** `host:port` or `[v6]:port`; a bare port listens on loopback. */
export function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]:|([^:[\]]+):)?(\d{1,5})$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Write host:port, for example 127.0.0.1:6443');
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port: parsePort(match[3] ?? '') };
}

function readPodNamespace(): string | undefined {
  try {
    return readFileSync(POD_NAMESPACE_FILE, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
