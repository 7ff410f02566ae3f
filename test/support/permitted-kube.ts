/**
 * A KubeClient that asks, for every call, whether the permissions of one ServiceAccount allow it, as Kubernetes' RBAC would,
 * and remembers which of them were used.
 */
import type { KubeObject, Resource } from '../../src/api/meta.ts';
import type { KubeClient } from '../../src/ports.ts';
import type { PermissionRole, PermissionRule } from '../../tools/install-rbac.ts';
import { refusal } from './fake-kube.ts';

interface Call {
  readonly verb: string;
  readonly resource: Resource;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

export class Permissions {
  readonly #rules: readonly { readonly rule: PermissionRule; readonly namespace: string | undefined }[];
  readonly #used = new Set<string>();
  readonly #refused = Promise.withResolvers<never>();

  constructor(roles: readonly PermissionRole[], namespace: string) {
    this.#rules = roles.flatMap(({ rules, scope }) =>
      rules.map((rule) => ({ rule, namespace: scope === 'cluster' ? undefined : namespace })),
    );
    this.#refused.promise.catch(() => undefined);
  }

  /** The outcome of the work, or the first call that no rule allows, without waiting for what goes on in spite of it. */
  during<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#refused.promise]);
  }

  /** `create secrets`, of every permission no call has needed. */
  unused(): string[] {
    const all = this.#rules.flatMap(({ rule }) =>
      rule.resources.flatMap((resource) => rule.verbs.map((verb) => describe(rule, verb, resource))),
    );
    return all.filter((permission) => !this.#used.has(permission));
  }

  /** Throws what the API server would answer where the call is not allowed. */
  check(call: Call): void {
    const { verb, resource, subresource, namespace, name } = call;
    const wanted = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
    const granting = this.#rules.find(
      ({ rule, namespace: scope }) =>
        rule.apiGroup === resource.group &&
        rule.resources.includes(wanted) &&
        rule.verbs.includes(verb) &&
        (scope === undefined || scope === namespace) &&
        (rule.resourceNames === undefined || rule.resourceNames.includes(name ?? '')),
    );
    if (granting !== undefined) {
      this.#used.add(describe(granting.rule, verb, wanted));
      return;
    }
    const text = [verb, wanted, name, namespace && `in ${namespace}`].filter(Boolean).join(' ');
    this.#refused.reject(new Error(`nothing allows to ${text}`));
    throw refusal(403, 'Forbidden', `nothing allows to ${text}`);
  }
}

function describe({ resourceNames = [] }: PermissionRule, verb: string, resource: string): string {
  return [verb, resource, ...resourceNames].join(' ');
}

/** The client as the ServiceAccount has it. */
export function permitted(client: KubeClient, permissions: Permissions): KubeClient {
  const check = (
    verb: string,
    resource: Resource,
    { namespace, name }: KubeObject['metadata'],
    subresource?: string,
  ): void => permissions.check({ verb, resource, subresource, namespace, name });
  return {
    observe: (resource, options = {}) => {
      const { namespace, fieldSelector = '' } = options;
      const name = /^metadata\.name=([^,]+)$/.exec(fieldSelector)?.[1];
      for (const verb of ['list', 'watch']) permissions.check({ verb, resource, namespace, name });
      return client.observe(resource, options);
    },
    get: async (resource, ref) => {
      check('get', resource, ref);
      return client.get(resource, ref);
    },
    list: async (resource, options) => {
      permissions.check({ verb: 'list', resource, namespace: options?.namespace });
      return client.list(resource, options);
    },
    create: async (resource, object, options) => {
      // The name is in the body, where RBAC does not look.
      const { namespace } = object.metadata;
      check('create', resource, namespace === undefined ? {} : { namespace }, options?.subresource);
      return client.create(resource, object, options);
    },
    update: async (resource, object, options) => {
      check('update', resource, object.metadata, options?.subresource);
      return client.update(resource, object, options);
    },
    apply: async (resource, object, options) => {
      check('patch', resource, object.metadata, options.subresource);
      const there = await client.get(resource, object.metadata);
      if (there === undefined && options.subresource === undefined)
        check('create', resource, object.metadata);
      return client.apply(resource, object, options);
    },
    patch: async (resource, ref, type, body, options) => {
      check('patch', resource, ref, options?.subresource);
      return client.patch(resource, ref, type, body, options);
    },
    delete: async (resource, ref, options) => {
      check('delete', resource, ref);
      return client.delete(resource, ref, options);
    },
  };
}
