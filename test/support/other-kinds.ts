/**
 * Kinds of other projects that kustomize/ has objects of, as CRDs for tests: those of the Prometheus operator of any content;
 * those of cert-manager with the fields that are used here, so that the API server finds one that is misspelt.
 */
type Schema = Readonly<Record<string, unknown>>;

const STRING: Schema = { type: 'string' };
const STRINGS: Schema = { type: 'array', items: STRING };
const ANYTHING: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

function object(properties: Readonly<Record<string, Schema>>, ...required: readonly string[]): Schema {
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}

function kindOf(group: string, plural: string, kind: string, openAPIV3Schema: Schema): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { plural, kind },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}

/** As cert-manager.io/v1 has them. */
const CERTIFICATE_SPEC = object(
  {
    isCA: { type: 'boolean' },
    commonName: STRING,
    secretName: STRING,
    dnsNames: STRINGS,
    duration: STRING,
    renewBefore: STRING,
    usages: STRINGS,
    privateKey: object({
      algorithm: { type: 'string', enum: ['RSA', 'ECDSA', 'Ed25519'] },
      size: { type: 'integer' },
      rotationPolicy: { type: 'string', enum: ['Never', 'Always'] },
    }),
    issuerRef: object({ group: STRING, kind: STRING, name: STRING }, 'name'),
  },
  'issuerRef',
  'secretName',
);
const ISSUER_SPEC = object({ selfSigned: object({}), ca: object({ secretName: STRING }, 'secretName') });

export const OTHER_KINDS: readonly object[] = [
  kindOf('monitoring.coreos.com', 'podmonitors', 'PodMonitor', ANYTHING),
  kindOf('monitoring.coreos.com', 'prometheusrules', 'PrometheusRule', ANYTHING),
  kindOf('cert-manager.io', 'certificates', 'Certificate', object({ spec: CERTIFICATE_SPEC }, 'spec')),
  kindOf('cert-manager.io', 'issuers', 'Issuer', object({ spec: ISSUER_SPEC }, 'spec')),
];
