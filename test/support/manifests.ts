/**
 * What can be said of manifests without a cluster: that they fit together, and that the program has what they use. An
 * API server cannot say most of this: a selector that matches nothing and a flag nobody knows are valid to it.
 */
import { Command } from 'commander';
import type { KubeObject, LabelSelector } from '../../src/api/meta.ts';
import { controllerCommand } from '../../src/cli/controller.ts';
import { speakerCommand } from '../../src/cli/speaker.ts';
import { webhookCommand } from '../../src/cli/webhook.ts';
import { DEFAULT_NAMESPACE } from '../../src/api/metallb.ts';
import { matchesSelector } from '../../src/core/config/selector.ts';
import { parseYamlDocuments } from '../../src/platform/yaml.ts';
import { CERTIFICATE_SECRET } from '../../src/webhook/certificate-store.ts';
import { webhookHosts } from '../../src/webhook/registration.ts';
import { IMAGE, PROGRAM } from '../../tools/install-manifests.ts';

interface Probe {
  httpGet: { path: string; port: number | string; host?: string };
}

export interface Container {
  name: string;
  image: string;
  command: string[];
  args: string[];
  env?: { name: string; value?: string }[];
  ports: { name: string; containerPort: number }[];
  livenessProbe: Probe;
  readinessProbe: Probe;
  volumeMounts?: { name: string; mountPath: string }[];
  resources: Record<string, Record<string, string>>;
  securityContext: Record<string, unknown>;
}

export interface PodTemplate {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: {
    serviceAccountName: string;
    hostNetwork?: boolean;
    priorityClassName?: string;
    terminationGracePeriodSeconds: number;
    securityContext: Record<string, unknown>;
    containers: Container[];
    volumes?: { name: string; configMap?: { name: string }; secret?: { secretName: string } }[];
  };
}

export interface Workload extends KubeObject {
  spec: { selector: LabelSelector; template: PodTemplate };
}

/** Any object, with the fields that refer to others. */
interface Manifest extends KubeObject {
  spec?: {
    selector?: unknown;
    podSelector?: LabelSelector;
    ports?: { targetPort: number | string }[];
    ingress?: { ports: { port: number | string }[] }[];
    podMetricsEndpoints?: { port: string }[];
    ca?: { secretName: string };
    secretName?: string;
    issuerRef?: { kind: string; name: string };
    dnsNames?: string[];
    policyName?: string;
  };
  roleRef?: { kind: string; name: string };
  subjects?: { kind: string; name: string; namespace: string }[];
}

/** `Deployment controller`. */
export function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.name}`;
}

export function parseManifests(text: string): KubeObject[] {
  const { documents, faults } = parseYamlDocuments(text);
  if (faults.length > 0) throw new Error(JSON.stringify(faults));
  return documents.map(({ value }) => value as KubeObject);
}

export function workloadsOf(objects: readonly KubeObject[]): Workload[] {
  return objects.filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet') as Workload[];
}

/** In words; empty where everything fits together. */
export function faultsOfManifests(objects: readonly KubeObject[]): string[] {
  const names = objects.map((each) => `${nameOf(each)} ${each.metadata.namespace ?? ''}`);
  const twice = names
    .filter((name, index) => names.indexOf(name) < index)
    .map((name) => `${name} is there twice`);
  return [...twice, ...objects.flatMap((object) => faultsOfObject(object as Manifest, objects))];
}

function faultsOfObject(object: Manifest, objects: readonly KubeObject[]): string[] {
  const workloads = workloadsOf(objects);
  const { kind, spec = {} } = object;
  const about = (faults: string[]): string[] => faults.map((fault) => `${nameOf(object)}: ${fault}`);
  switch (kind) {
    case 'Deployment':
    case 'DaemonSet':
      return about(faultsOfWorkload(object as unknown as Workload, objects));
    case 'Service': {
      const selector = { matchLabels: spec.selector as Record<string, string> };
      return about(faultsOfPorts(workloads, selector, spec.ports?.map(({ targetPort }) => targetPort) ?? []));
    }
    case 'NetworkPolicy': {
      const ports = (spec.ingress ?? []).flatMap((rule) => rule.ports.map(({ port }) => port));
      return about(faultsOfPorts(workloads, spec.podSelector ?? {}, ports));
    }
    case 'PodMonitor': {
      const ports = spec.podMetricsEndpoints?.map(({ port }) => port) ?? [];
      return about(faultsOfPorts(workloads, spec.selector as LabelSelector, ports));
    }
    case 'PodDisruptionBudget':
      return about(faultsOfPorts(workloads, spec.selector as LabelSelector, []));
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return about(faultsOfBinding(object, objects));
    case 'Certificate':
      return about(faultsOfCertificate(object, objects));
    case 'Issuer':
      return about(faultsOfIssuer(object, objects));
    case 'ValidatingAdmissionPolicyBinding': {
      const { policyName = '' } = spec;
      const isThere = objects.some((other) => nameOf(other) === `ValidatingAdmissionPolicy ${policyName}`);
      return about(isThere ? [] : [`there is no ValidatingAdmissionPolicy ${policyName}`]);
    }
    case 'Namespace':
    case 'CustomResourceDefinition':
    case 'ServiceAccount':
    case 'Role':
    case 'ClusterRole':
    case 'ConfigMap':
    case 'Secret':
    case 'MutatingWebhookConfiguration':
    case 'ValidatingWebhookConfiguration':
    case 'ValidatingAdmissionPolicy':
    case 'PrometheusRule':
      return [];
    default:
      return about(['nothing is known about this kind here']);
  }
}

function faultsOfPorts(
  workloads: readonly Workload[],
  selector: LabelSelector,
  ports: readonly (number | string)[],
): string[] {
  const matched = workloads.filter(({ spec }) => matchesSelector(selector, spec.template.metadata.labels));
  if (matched.length === 0) return ['its selector matches no pod'];
  return ports.flatMap((port) =>
    matched
      .filter(({ spec }) => !spec.template.spec.containers.some((container) => hasPort(container, port)))
      .map((workload) => `${nameOf(workload)} has no port ${port}`),
  );
}

function hasPort({ ports }: Container, wanted: number | string): boolean {
  return ports.some(({ name, containerPort }) => name === wanted || containerPort === wanted);
}

function faultsOfBinding({ roleRef, subjects = [] }: Manifest, objects: readonly KubeObject[]): string[] {
  const wanted = [
    `${roleRef?.kind} ${roleRef?.name}`,
    ...subjects.map(({ kind, name }) => `${kind} ${name}`),
  ];
  const there = new Set(objects.map(nameOf));
  return wanted.filter((name) => !there.has(name)).map((name) => `there is no ${name}`);
}

/** Of cert-manager: what it is to be signed by is there, and what the webhook serves with has every name it needs. */
function faultsOfCertificate({ spec = {} }: Manifest, objects: readonly KubeObject[]): string[] {
  const issuer = `${spec.issuerRef?.kind} ${spec.issuerRef?.name}`;
  const faults = objects.some((object) => nameOf(object) === issuer) ? [] : [`there is no ${issuer}`];
  if (spec.secretName !== CERTIFICATE_SECRET) return faults;
  const missing = webhookHosts(DEFAULT_NAMESPACE).filter((host) => !spec.dnsNames?.includes(host));
  return [...faults, ...missing.map((host) => `it is not for ${host}`)];
}

function faultsOfIssuer({ spec = {} }: Manifest, objects: readonly KubeObject[]): string[] {
  const { secretName } = spec.ca ?? {};
  const isMade = objects.some(
    (object) => object.kind === 'Certificate' && (object as Manifest).spec?.secretName === secretName,
  );
  return secretName === undefined || isMade ? [] : [`nothing makes Secret ${secretName}`];
}

function faultsOfWorkload({ spec }: Workload, objects: readonly KubeObject[]): string[] {
  const { template } = spec;
  const { containers, volumes = [], serviceAccountName } = template.spec;
  const there = new Set(objects.map(nameOf));
  const needed = [
    `ServiceAccount ${serviceAccountName}`,
    ...volumes.flatMap(({ configMap, secret }) => [
      ...(configMap === undefined ? [] : [`ConfigMap ${configMap.name}`]),
      ...(secret === undefined ? [] : [`Secret ${secret.secretName}`]),
    ]),
  ];
  // The controller makes it.
  const programs = workloadsOf(objects).flatMap((each) => each.spec.template.spec.containers);
  const made = programs
    .flatMap(({ env = [] }) => env)
    .find(({ name }) => name === 'METALLB_ML_SECRET_NAME')?.value;
  there.add(`Secret ${made}`);
  return [
    ...needed.filter((name) => !there.has(name)).map((name) => `there is no ${name}`),
    ...(matchesSelector(spec.selector, template.metadata.labels)
      ? []
      : ['its selector does not match its pods']),
    ...containers.flatMap((container) => [
      ...faultsOfContainer(container),
      ...(container.volumeMounts ?? [])
        .filter(({ name }) => !volumes.some((volume) => volume.name === name))
        .map(({ name }) => `there is no volume ${name}`),
    ]),
  ];
}

function faultsOfContainer(container: Container): string[] {
  const { image, command, args, env = [], ports, livenessProbe, readinessProbe } = container;
  const faults = image === IMAGE ? [] : [`its image is ${image}, and ${IMAGE} is built`];
  const verb = command.at(-1) ?? '';
  if (command.slice(0, -1).join() !== PROGRAM.join()) faults.push(`it runs ${command.join(' ')}`);
  const build = VERBS[verb];
  if (build === undefined) return [...faults, `cleat has no verb ${verb}`];
  const values = valuesOf(
    build(() => undefined),
    args,
    faults,
  );
  const known = build(() => undefined).options.map(({ envVar }) => envVar);
  for (const { name } of env) if (!known.includes(name)) faults.push(`cleat ${verb} does not read ${name}`);
  for (const { httpGet } of [livenessProbe, readinessProbe]) {
    if (httpGet.port !== values['healthProbePort']) faults.push(`nobody listens on port ${httpGet.port}`);
    if (!['/healthz', '/readyz'].includes(httpGet.path)) faults.push(`there is no ${httpGet.path}`);
  }
  for (const [name, flag] of [
    ['metrics', 'port'],
    ['health', 'healthProbePort'],
  ] as const) {
    if (!ports.some((port) => port.name === name && port.containerPort === values[flag]))
      faults.push(`its port ${name} is not ${String(values[flag])}`);
  }
  return faults;
}

const VERBS: Readonly<Record<string, (finish: () => void) => Command>> = {
  controller: controllerCommand,
  speaker: speakerCommand,
  webhook: webhookCommand,
};

/** The flags as the program itself reads them. */
function valuesOf(command: Command, args: readonly string[], faults: string[]): Record<string, unknown> {
  command
    .action(() => undefined)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  // The node's name comes from the environment, which is looked at by name.
  for (const option of command.options) option.mandatory = false;
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    faults.push((error as Error).message);
  }
  return command.opts();
}
