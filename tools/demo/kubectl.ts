/**
 * Stands in for kubectl where the machine has none, for the few commands the demo uses: apply -f, delete -f, get (with the
 * table the server prints, or -o jsonpath of a plain path) and wait --for=condition. Messages are kubectl's.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { parseArgs } from 'node:util';
import { CONFIG_MAPS, EVENTS, NODES, SERVICES } from '../../src/api/kubernetes.ts';
import type { Condition, KubeObject, Resource } from '../../src/api/meta.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../src/api/metallb.ts';
import { connect } from '../../src/kube/client.ts';
import { loadAccess } from '../../src/kube/config.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { apiVersionOf, resourcePath } from '../../src/kube/path.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { parseYamlDocuments } from '../../src/platform/yaml.ts';
import { until } from '../../test/support/until.ts';

const KNOWN = [SERVICES, NODES, EVENTS, CONFIG_MAPS, IP_ADDRESS_POOLS, L2_ADVERTISEMENTS];
const SHORT_NAMES: Readonly<Record<string, string>> = {
  svc: 'services',
  service: 'services',
  node: 'nodes',
  cm: 'configmaps',
};

type Named = KubeObject & { metadata: { name: string; namespace?: string } };

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    filename: { type: 'string', short: 'f' },
    namespace: { type: 'string', short: 'n', default: 'default' },
    output: { type: 'string', short: 'o' },
    for: { type: 'string' },
    timeout: { type: 'string' },
    'field-selector': { type: 'string' },
    'ignore-not-found': { type: 'boolean' },
  },
});
const [verb = '', ...names] = positionals;
const log = createLog({ level: 'error', destination: 'stderr' });
const access = await loadAccess({});
const client = await connect({ access, log, clock: systemClock, userAgent: 'kubectl-stand-in' });
try {
  if (verb === 'apply') for (const [resource, object] of readFile()) await apply(resource, object);
  else if (verb === 'delete') for (const [resource, object] of readFile()) await remove(resource, object);
  else if (verb === 'get') await get(...find(names), names.slice(2));
  else if (verb === 'wait') await waitFor(...find(names));
  else throw new Error(`the stand-in for kubectl does not know ${verb}`);
} catch (error) {
  const reason = error instanceof KubeError && error.reason !== '' ? ` from server (${error.reason})` : '';
  console.error(`Error${reason}: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await client.close();
}

function readFile(): [Resource, Named][] {
  const { documents, faults } = parseYamlDocuments(readFileSync(values.filename ?? '/dev/stdin', 'utf8'));
  if (faults[0] !== undefined) throw new Error(`${values.filename}:${faults[0].line}: ${faults[0].why}`);
  return documents.map(({ value }) => {
    const object = value as Named;
    const resource = KNOWN.find(
      (each) => each.kind === object.kind && apiVersionOf(each) === object.apiVersion,
    );
    if (resource === undefined) throw new Error(`the stand-in for kubectl does not know kind ${object.kind}`);
    const namespace = object.metadata.namespace ?? values.namespace;
    return [resource, { ...object, metadata: { ...object.metadata, namespace } }];
  });
}

async function apply(resource: Resource, object: Named): Promise<void> {
  const before = await client.get(resource, object.metadata);
  await client.apply(resource, object, { fieldManager: 'kubectl' });
  console.log(
    `${display(resource)}/${object.metadata.name} ${before === undefined ? 'created' : 'configured'}`,
  );
}

async function remove(resource: Resource, object: Named): Promise<void> {
  if (await client.delete(resource, object.metadata))
    console.log(`${display(resource)} "${object.metadata.name}" deleted`);
}

async function get(resource: Resource, name: string, more: readonly string[]): Promise<void> {
  const path = /^jsonpath=\{\.([\w.]+)\}$/.exec(values.output ?? '')?.[1];
  if (path === undefined) {
    const tables = await Promise.all([name, ...more].map((each) => fetchTable(resource, each)));
    const [{ columnDefinitions } = { columnDefinitions: [] }] = tables;
    console.log(formatTable({ columnDefinitions, rows: tables.flatMap(({ rows }) => rows) }));
    return;
  }
  const object: unknown = await client.get(resource, { namespace: values.namespace, name });
  const found = path
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], object);
  process.stdout.write(typeof found === 'string' ? found : JSON.stringify(found ?? ''));
}

async function waitFor(resource: Resource, name: string): Promise<void> {
  const type = (values.for ?? '').replace(/^condition=/, '');
  const timeoutMs = Number.parseInt(values.timeout ?? '30', 10) * 1_000;
  await until(`condition ${type} of ${resource.plural}/${name}`, timeoutMs, async () => {
    const object = await client.get<KubeObject & { status?: { conditions?: Condition[] } }>(resource, {
      namespace: values.namespace,
      name,
    });
    return (
      object?.status?.conditions?.some((each) => each.type === type && each.status === 'True') || undefined
    );
  });
  console.log(`${display(resource)}/${name} condition met`);
}

/** `svc NAME`, `svc/NAME` or `svc`. */
function find([first = '', second]: readonly string[]): [Resource, string] {
  const [kind = '', name = second ?? ''] = first.split('/');
  const plural = SHORT_NAMES[kind] ?? kind;
  const resource = KNOWN.find((each) => each.plural === plural || each.plural === `${plural}s`);
  if (resource === undefined) throw new Error(`the stand-in for kubectl does not know ${kind}`);
  return [resource, name];
}

function display(resource: Resource): string {
  const singular = resource.kind.toLowerCase();
  return resource.group === '' ? singular : `${singular}.${resource.group}`;
}

interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
  /** Text, numbers, booleans or lists. */
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
}

/** What KubeClient does not ask for: the table that kubectl prints. */
async function fetchTable(resource: Resource, name: string): Promise<Table> {
  const { tls, headers } = await access.credentials();
  const place = { namespace: values.namespace, name: name === '' ? undefined : name };
  const path = resourcePath(resource, place, { fieldSelector: values['field-selector'] });
  const answer = Promise.withResolvers<string>();
  const { ca, cert, key } = tls;
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  request(new URL(path, access.url), { ca, cert, key, headers: { ...headers, accept } }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.on('end', () => answer.resolve(text)).on('error', answer.reject);
  })
    .on('error', answer.reject)
    .end();
  const body = JSON.parse(await answer.promise) as Table & { message?: string };
  if (body.rows === undefined) throw new Error(body.message);
  return body;
}

/** Left-aligned columns with three blanks between. */
function formatTable({ columnDefinitions, rows }: Table): string {
  const shown = columnDefinitions.flatMap((column, index) => (column.priority === 0 ? index : []));
  const lines = [
    shown.map((index) => columnDefinitions[index]?.name.toUpperCase() ?? ''),
    ...rows.map(({ cells }) => shown.map((index) => formatCell(cells[index]))),
  ];
  const widths = shown.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

function formatCell(cell: unknown): string {
  return typeof cell === 'string' ? cell : JSON.stringify(cell ?? '');
}
