/** Discovery: which resources there are, for clients that find their way by it (kubectl, client-go's RESTMapper). */
import type { Definition } from './definition.ts';
import { nothingServed } from './errors.ts';
import { parseAccept, acceptsJson } from './http/accept.ts';
import { apiVersionOf } from './present.ts';
import type { Registry } from './registry.ts';
import { isNamespace } from './verbs/rules.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const SUBRESOURCE_VERBS = ['get', 'patch', 'update'];

/** What /version says. kubectl and client-go parse it; what this server offers is what 1.34 offers, as far as it goes. */
export const VERSION = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0+cleat',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'node',
};

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export interface DiscoveryAnswer {
  readonly body: unknown;
  readonly contentType: string;
}

/**
 * The answer to /api, /apis, /api/v1, /apis/<group> and /apis/<group>/<version>. Throws 404 for groups and versions that
 * are not served.
 */
export function discover(registry: Registry, path: string, accept: string | undefined): DiscoveryAnswer {
  const [root, group, version, ...more] = path.split('/').filter((segment) => segment !== '');
  if (group === undefined) {
    const aggregated = parseAccept(accept).find(
      (range) => acceptsJson(range) && isPlainOrV2(range.parameters),
    );
    if (aggregated?.parameters['as'] === 'APIGroupDiscoveryList') {
      return {
        body: aggregatedList(registry, root === 'api' ? [''] : registry.groups()),
        contentType: AGGREGATED,
      };
    }
    return json(
      root === 'api' ? { kind: 'APIVersions', versions: registry.versions('') } : groupList(registry),
    );
  }
  const [name, wanted] = root === 'api' ? ['', group] : [group, version];
  const tooLong = root === 'api' ? version !== undefined : more.length > 0;
  const versions = registry.versions(name);
  if (tooLong || versions.length === 0) throw nothingServed();
  if (wanted === undefined) return json({ kind: 'APIGroup', apiVersion: 'v1', ...groupOf(registry, name) });
  if (!versions.includes(wanted)) throw nothingServed();
  return json(resourceList(registry, name, wanted));
}

function isPlainOrV2({ as, g, v }: Readonly<Record<string, string>>): boolean {
  return as === undefined || (as === 'APIGroupDiscoveryList' && g === 'apidiscovery.k8s.io' && v === 'v2');
}

function json(body: unknown): DiscoveryAnswer {
  return { body, contentType: 'application/json' };
}

function groupList(registry: Registry): unknown {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: registry.groups().map((group) => groupOf(registry, group)),
  };
}

function groupOf(registry: Registry, group: string): Record<string, unknown> {
  const versions = registry
    .versions(group)
    .map((version) => ({ groupVersion: apiVersionOf({ group, version }), version }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function resourceList(registry: Registry, group: string, version: string): unknown {
  const resources = registry.at(group, version).flatMap((definition) => {
    const { plural, kind, namespaced } = definition.resource;
    const subresources = subresourcesOf(definition).map((subresource) => ({
      name: `${plural}/${subresource}`,
      singularName: '',
      namespaced,
      kind,
      verbs: subresource === 'finalize' ? ['update'] : SUBRESOURCE_VERBS,
    }));
    return [
      {
        name: plural,
        singularName: definition.singular,
        namespaced,
        kind,
        verbs: verbsOf(definition),
        ...namesOf(definition),
      },
      ...subresources,
    ];
  });
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources,
  };
}

function aggregatedList(registry: Registry, groups: readonly string[]): unknown {
  const items = groups.map((group) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: registry.versions(group).map((version) => ({
      version,
      freshness: 'Current',
      resources: registry.at(group, version).map((definition) => aggregatedResource(definition)),
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

function aggregatedResource(definition: Definition): unknown {
  const { group, version, kind, plural, namespaced } = definition.resource;
  const responseKind = { group, version, kind };
  const subresources = subresourcesOf(definition).map((subresource) => ({
    subresource,
    responseKind,
    verbs: subresource === 'finalize' ? ['update'] : SUBRESOURCE_VERBS,
  }));
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: definition.singular,
    verbs: verbsOf(definition),
    ...namesOf(definition),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}

function namesOf({ shortNames, categories }: Definition): Record<string, unknown> {
  return {
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
}

/** Namespaces go one by one. */
function verbsOf(definition: Definition): readonly string[] {
  return isNamespace(definition) ? VERBS.filter((verb) => verb !== 'deletecollection') : VERBS;
}

function subresourcesOf(definition: Definition): string[] {
  return [...(definition.hasStatus ? ['status'] : []), ...(isNamespace(definition) ? ['finalize'] : [])];
}
