/** The kinds of cleat.dev: what the API server itself refuses of them, and in which words. */
import type { Resource } from '../../../src/api/meta.ts';
import { ADDRESS_POLICIES, ADDRESS_RESERVATIONS, POLICY_EXCEPTIONS } from '../../../src/api/cleat.ts';
import { CRDS } from '../../../src/api/kubernetes.ts';
import { INSTALLED_CRDS } from '../../../src/api/crds.ts';
import type { Case, World } from '../world.ts';
import { MERGE } from '../world.ts';
import { untilEstablished } from './custom.ts';

const KINDS = [ADDRESS_RESERVATIONS, ADDRESS_POLICIES, POLICY_EXCEPTIONS];

const EXCEPTION = {
  rule: 'PoolNotOpen',
  objects: [{ kind: 'Service', namespace: 'shop', selector: { matchLabels: { app: 'web' } } }],
  reason: 'migration',
  owner: 'net@example.com',
  expires: '2027-01-31T00:00:00Z',
};

async function install(world: World): Promise<void> {
  for (const crd of INSTALLED_CRDS) {
    const name = crd.metadata.name ?? '';
    if (!KINDS.some(({ plural, group }) => name === `${plural}.${group}`)) continue;
    const { code } = await world.api.ask('GET', world.pathOf(CRDS, name));
    if (code === 404) await world.do('POST', world.pathOf(CRDS), { body: crd });
    await untilEstablished(world, name);
  }
}

export const OWN_KINDS: readonly Case[] = [
  {
    title: 'the kinds of cleat.dev are checked by themselves',
    async run(world) {
      await install(world);
      const create = (resource: Resource, name: string, spec: object): Promise<unknown> =>
        world.see('POST', `${world.pathOf(resource)}?fieldManager=kubectl`, {
          body: {
            apiVersion: 'cleat.dev/v1alpha1',
            kind: resource.kind,
            metadata: { name },
            spec,
          },
        });
      const selector = (requirement: object): object => ({ matchExpressions: [requirement] });

      await create(ADDRESS_RESERVATIONS, 'good', {
        addresses: ['192.0.2.7', ' 192.0.2.9 - 192.0.2.12', '2001:db8::/64', '192.0.2.7'],
        namespaces: ['bank', 'shop'],
        serviceSelectors: [
          { matchLabels: { tier: '' } },
          selector({ key: 'example.com/a', operator: 'Exists' }),
        ],
        expires: '2027-01-31T00:00:00.5+01:00',
      });
      await create(ADDRESS_RESERVATIONS, 'bad', { addresses: [] });
      await create(ADDRESS_RESERVATIONS, 'bad', { addresses: ['192.0.2.256', 'printers', '192.0.2.1/33'] });
      await create(ADDRESS_RESERVATIONS, 'bad', { addresses: ['192.0.2.1'], namespaces: ['a', '', 'a'] });
      await create(ADDRESS_RESERVATIONS, 'bad', {
        addresses: ['192.0.2.1'],
        expires: '2027-02-30T00:00:00Z',
      });
      await create(ADDRESS_RESERVATIONS, 'bad', {
        addresses: ['192.0.2.1'],
        expires: '2027-01-31T00:00:00+99:00',
      });
      await world.see('PATCH', world.pathOf(ADDRESS_RESERVATIONS, 'good'), {
        type: MERGE,
        body: { spec: { namespaces: ['shop', 'shop'] } },
      });

      await create(ADDRESS_POLICIES, 'good', {
        namespaceSelectors: [selector({ key: 'team', operator: 'In', values: ['red', ''] }), {}],
        quota: { total: 0, pools: [{ pool: 'public', addresses: 2_147_483_647 }] },
        pools: ['public', 'private'],
        defaultPool: 'private',
        defaults: { externalTrafficPolicy: 'Local' },
      });
      await create(ADDRESS_POLICIES, 'bad', { namespaceSelectors: [{}, {}] });
      for (const requirement of [
        { key: 'team', operator: 'in', values: ['red'] },
        { key: 'team', operator: 'In' },
        { key: 'team', operator: 'NotIn', values: [] },
        { key: 'team', operator: 'Exists', values: ['red'] },
        { key: 'a/b/c', operator: 'Exists' },
        { key: 'team', operator: 'In', values: ['red', 'red', '-'] },
      ])
        await create(ADDRESS_POLICIES, 'bad', { namespaceSelectors: [selector(requirement)] });
      await create(ADDRESS_POLICIES, 'bad', { pools: ['a'], defaultPool: 'b' });
      await create(ADDRESS_POLICIES, 'bad', { quota: { total: -1 } });
      await create(ADDRESS_POLICIES, 'bad', { quota: { pools: [{ pool: 'a' }] } });
      await create(ADDRESS_POLICIES, 'bad', { defaultPool: '' });

      await create(POLICY_EXCEPTIONS, 'good', EXCEPTION);
      await create(POLICY_EXCEPTIONS, 'bad', { ...EXCEPTION, objects: [{ kind: 'service' }] });
      await create(POLICY_EXCEPTIONS, 'bad', { ...EXCEPTION, objects: [{ kind: 'Service', name: '' }] });
      const both = { kind: 'Service', namespace: 'a', namespaceSelector: {} };
      await create(POLICY_EXCEPTIONS, 'bad', { ...EXCEPTION, objects: [both] });
      const { owner: _, ...unowned } = EXCEPTION;
      await create(POLICY_EXCEPTIONS, 'bad', unowned);
    },
  },
];
