/**
 * The complete installation as objects, under the names of MetalLB's own manifest (metallb-native.yaml), so that applying it
 * takes MetalLB's place object for object: the same Deployment and DaemonSet with the same selectors, which Kubernetes
 * does not let change. manifests/install.yaml is made from it; kustomize/ builds on that.
 */
import manifest from '../package.json' with { type: 'json' };
import { INSTALLED_CRDS } from '../src/api/crds.ts';
import { DEFAULT_NAMESPACE } from '../src/api/metallb.ts';
import { CERTIFICATE_SECRET } from '../src/webhook/certificate-store.ts';
import { WEBHOOK_CONFIGURATION, WEBHOOK_SERVICE } from '../src/webhook/registration.ts';
import { WEBHOOK_PORT } from '../src/api/metallb.ts';
import { rbacObjects } from './install-rbac.ts';

/**
 * What `docker build -t IMAGE .` makes. No registry has it yet: the name stands for an image on the node itself, which is
 * never fetched from somebody else's registry; kustomize's `images:` puts another in its place.
 */
export const IMAGE = `localhost/cleat:${manifest.version}`;
/** Where the Dockerfile puts the program. */
export const PROGRAM: readonly string[] = ['/usr/bin/node', '/cleat/cleat.mjs'];

const NAMESPACE = DEFAULT_NAMESPACE;
const LABELS = { app: 'metallb' };
const METRICS_PORT = 9120;
const MEMBERLIST_PORT = 7946;
/** The controller makes it; speakers start once it is there. */
const MEMBERLIST_SECRET = 'memberlist';
const MEMBERLIST_SECRET_FOLDER = '/etc/ml_secret_key';
const HEALTH_PORT = 17_472;
/** Longer than the 20 s in which a program stops its parts (platform/lifecycle.ts), draining the webhook included. */
const GRACE_SECONDS = 25;
/** Interfaces of containers and the like, on which nobody asks for addresses; the list is MetalLB's. */
const EXCLUDED_INTERFACES: readonly string[] = [
  '^docker.*',
  '^cbr.*',
  '^dummy.*',
  '^virbr.*',
  '^lxcbr.*',
  '^veth.*',
  '^lo$',
  '^cali.*',
  '^tunl.*',
  '^flannel.*',
  '^kube-ipvs.*',
  '^cni.*',
  '^nodelocaldns.*',
  '^lxc.*',
];

const here = (name: string, labels: object = LABELS): object => ({ name, namespace: NAMESPACE, labels });

/** In the order they are to be created. */
export function installManifests(): readonly object[] {
  return [
    namespace(),
    ...INSTALLED_CRDS,
    ...['controller', 'speaker'].map((name) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: here(name),
    })),
    ...rbacObjects(NAMESPACE, LABELS),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: here('metallb-excludel2'),
      data: {
        'excludel2.yaml': `announcedInterfacesToExclude:\n${EXCLUDED_INTERFACES.map((pattern) => `- "${pattern}"\n`).join('')}`,
      },
    },
    // Empty: the controller fills it, and keeps what it finds. So nothing secret is in Git, and nothing there resets it.
    { apiVersion: 'v1', kind: 'Secret', metadata: here(CERTIFICATE_SECRET) },
    webhookService(),
    controller(),
    speaker(),
    // Without webhooks: the controller registers them, under a field manager of its own, once a
    // question of its own has come back through the API server. Until then, and wherever it is not running, nothing is refused.
    ...['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'].map((kind) => ({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind,
      metadata: { name: WEBHOOK_CONFIGURATION, labels: LABELS },
    })),
  ];
}

function namespace(): object {
  const modes = ['audit', 'enforce', 'warn'].map((mode) => [
    `pod-security.kubernetes.io/${mode}`,
    'privileged',
  ]);
  // The speaker needs the host's network.
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: Object.fromEntries(modes) },
  };
}

function webhookService(): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: here(WEBHOOK_SERVICE),
    spec: {
      ports: [{ port: 443, targetPort: WEBHOOK_PORT }],
      selector: { component: 'controller' },
    },
  };
}

/** What both programs' pods have in common. */
function podTemplate(component: string, spec: object): object {
  return {
    metadata: {
      labels: { ...LABELS, component },
      annotations: { 'prometheus.io/port': String(METRICS_PORT), 'prometheus.io/scrape': 'true' },
    },
    spec: {
      serviceAccountName: component,
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      terminationGracePeriodSeconds: GRACE_SECONDS,
      ...spec,
    },
  };
}

function container(component: string, more: object): object {
  return {
    name: component,
    image: IMAGE,
    // The verb stands here and not in args, so that patches that replace MetalLB's args fit.
    command: [...PROGRAM, component],
    args: [`--port=${METRICS_PORT}`, '--log-level=info'],
    ...more,
  };
}

/** `host` is absent where the pod has an address of its own. */
function probes(host?: string): object {
  const get = (path: string): object => ({
    path,
    port: HEALTH_PORT,
    ...(host === undefined ? {} : { host }),
  });
  return {
    livenessProbe: {
      httpGet: get('/healthz'),
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 5,
    },
    readinessProbe: { httpGet: get('/readyz'), periodSeconds: 5, timeoutSeconds: 5 },
  };
}

const SEALED = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true };

function controller(): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: here('controller', { ...LABELS, component: 'controller' }),
    spec: {
      replicas: 1,
      revisionHistoryLimit: 3,
      // Two at a time do no harm: one leads, both answer admission.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: { ...LABELS, component: 'controller' } },
      template: podTemplate('controller', {
        priorityClassName: 'system-cluster-critical',
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65_534,
          runAsGroup: 65_534,
          fsGroup: 65_534,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          container('controller', {
            env: [
              // The name under which it leads.
              fromField('METALLB_POD_NAME', 'metadata.name'),
              { name: 'METALLB_ML_SECRET_NAME', value: MEMBERLIST_SECRET },
            ],
            ports: [
              { name: 'metrics', containerPort: METRICS_PORT },
              { name: 'health', containerPort: HEALTH_PORT },
              { name: 'webhook-server', containerPort: WEBHOOK_PORT },
            ],
            ...probes(),
            resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
            securityContext: { ...SEALED, capabilities: { drop: ['ALL'] } },
          }),
        ],
      }),
    },
  };
}

function speaker(): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: here('speaker', { ...LABELS, component: 'speaker' }),
    spec: {
      selector: { matchLabels: { ...LABELS, component: 'speaker' } },
      template: podTemplate('speaker', {
        hostNetwork: true,
        priorityClassName: 'system-node-critical',
        tolerations: ['control-plane', 'master'].map((role) => ({
          key: `node-role.kubernetes.io/${role}`,
          operator: 'Exists',
          effect: 'NoSchedule',
        })),
        // Kubernetes gives capabilities to root only.
        securityContext: { runAsUser: 0, runAsGroup: 0, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          container('speaker', {
            env: [
              fromField('METALLB_NODE_NAME', 'spec.nodeName'),
              fromField('METALLB_POD_NAME', 'metadata.name'),
              fromField('METALLB_POD_UID', 'metadata.uid'),
              fromField('METALLB_ML_BIND_ADDR', 'status.podIP'),
              { name: 'METALLB_ML_LABELS', value: 'app=metallb,component=speaker' },
              { name: 'METALLB_ML_SECRET_KEY_PATH', value: MEMBERLIST_SECRET_FOLDER },
            ],
            ports: [
              { name: 'metrics', containerPort: METRICS_PORT },
              { name: 'health', containerPort: HEALTH_PORT },
              { name: 'memberlist-tcp', containerPort: MEMBERLIST_PORT },
              { name: 'memberlist-udp', containerPort: MEMBERLIST_PORT, protocol: 'UDP' },
            ],
            ...probes('127.0.0.1'),
            resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '256Mi' } },
            securityContext: { ...SEALED, capabilities: { drop: ['ALL'], add: ['NET_RAW'] } },
            volumeMounts: [
              { name: 'metallb-excludel2', mountPath: '/etc/metallb', readOnly: true },
              { name: MEMBERLIST_SECRET, mountPath: MEMBERLIST_SECRET_FOLDER, readOnly: true },
            ],
          }),
        ],
        volumes: [
          { name: 'metallb-excludel2', configMap: { name: 'metallb-excludel2' } },
          { name: MEMBERLIST_SECRET, secret: { secretName: MEMBERLIST_SECRET } },
        ],
      }),
    },
  };
}

/** A variable with what Kubernetes knows of the pod. */
function fromField(name: string, fieldPath: string): object {
  // With apiVersion, or client-side and server-side apply would quarrel over the default.
  return { name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } };
}
