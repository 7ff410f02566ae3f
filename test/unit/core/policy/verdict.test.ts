/** The denial contract (docs/adr/0005), sentence by sentence, over whatever authors may write. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FINDINGS } from '../../../../src/api/findings.ts';
import type { Service } from '../../../../src/api/kubernetes.ts';
import type { Change } from '../../../../src/core/policy/facts.ts';
import type { Verdict } from '../../../../src/core/policy/verdict.ts';
import { verdict } from '../../../../src/core/policy/verdict.ts';
import { pool, service } from '../../../support/allocation.ts';
import { change, factsOf, poolChange } from '../../../support/policy.ts';

const pools = [
  pool('default', ['192.0.2.240-192.0.2.250']),
  pool('closed', ['198.51.100.0/28'], { serviceAllocation: { namespaces: ['payments'] } }),
  pool('immutable-pool', ['203.0.113.64/32'], { autoAssign: false }),
];
const services = [
  service('holder', { held: ['192.0.2.241'] }),
  service('filler', { held: ['203.0.113.64'], annotations: { 'address-pool': 'immutable-pool' } }),
];
const facts = factsOf({ pools, services });

const anyText = fc.oneof(
  // Any UTF-16, halves of surrogate pairs too; fast-check's own unit for that takes a second to set up.
  fc.uint16Array({ maxLength: 300 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    '192.0.2.9',
    '192.0.2.241',
    '192.0.2.243',
    '198.51.100.1',
    '2001:db8::1',
    '192.0.2.243, 2001:db8::1',
    'x',
    'field is immutable',
    'IMMUTABLE',
    'closed',
    'default',
    'immutable-pool',
    'k',
  ),
);
const anySpec: fc.Arbitrary<Service['spec']> = fc.record(
  {
    loadBalancerIP: anyText,
    type: fc.constantFrom('LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP'),
    externalTrafficPolicy: fc.constantFrom('Local', 'Cluster'),
    ports: fc.array(fc.record({ port: fc.integer({ min: 1, max: 65_535 }) }), { maxLength: 3 }),
    ipFamilyPolicy: fc.constantFrom('SingleStack', 'PreferDualStack', 'RequireDualStack'),
    clusterIPs: fc.constantFrom([], ['10.96.0.1'], ['fd00::1'], ['10.96.0.1', 'fd00::1']),
  },
  { requiredKeys: ['type'] },
);
const anyService: fc.Arbitrary<Service> = fc
  .record({
    spec: anySpec,
    annotations: fc.dictionary(
      fc.constantFrom(
        'metallb.io/loadBalancerIPs',
        'metallb.universe.tf/address-pool',
        'metallb.io/allow-shared-ip',
      ),
      anyText,
    ),
    held: fc.constantFrom<string[]>([], ['192.0.2.243'], ['192.0.2.9']),
  })
  .map(({ spec, annotations, held }) => service('web', { annotations, held, ...(spec && { spec }) }));
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  anyService.map((object) => change(object)),
  fc.tuple(anyService, anyService).map(([object, old]) => change(object, old)),
  fc.array(anyText, { maxLength: 3 }).map((addresses) => poolChange(pool('new', addresses))),
);

function forAny(property: (proposed: Change, answer: Verdict) => void): void {
  fc.assert(fc.property(anyChange, (proposed) => property(proposed, verdict(facts, proposed))));
}

describe('every verdict', () => {
  test('that refuses gives its reason, and only such', () => {
    forAny((_, { allowed, message, findings }) => {
      assert.equal(message === undefined, allowed);
      if (message !== undefined) assert.match(message, /^LB\d{3} \S/);
      if (!allowed) assert.ok(findings.length > 0);
    });
  });

  test('never says the word that makes Flux delete the object', () => {
    forAny((_, { message = '', warnings, audit }) => {
      for (const text of [message, ...warnings, ...Object.values(audit)])
        assert.doesNotMatch(text, /immutable/i);
    });
  });

  test('warns in one line of at most 120 characters that begins with the code', () => {
    forAny((_, { warnings, message = '' }) => {
      for (const warning of warnings) {
        assert.ok(warning.length <= 120, warning);
        assert.match(warning, /^LB\d{3} \S/);
      }
      for (const text of [...warnings, message]) assert.doesNotMatch(text, /[\n\r\0]/);
      assert.ok(message.length <= 6_000);
    });
  });

  test('is the same for a dry run and for whoever asks', () => {
    forAny((proposed, answer) => {
      assert.deepEqual(verdict(facts, { ...proposed, dryRun: true, user: 'flux' }), answer);
    });
  });

  test('allows an object that is being deleted', () => {
    forAny((proposed) => {
      const object = structuredClone(proposed.object);
      if (object) object.metadata.deletionTimestamp = '2026-11-20T00:00:00Z';
      assert.equal(verdict(facts, { ...proposed, object } as Change).allowed, true);
    });
  });

  test('allows deletion, and what is no write at all', () => {
    forAny((proposed) => {
      const { object: oldObject, ...rest } = proposed;
      assert.equal(verdict(facts, { ...rest, oldObject, operation: 'DELETE' } as Change).allowed, true);
      assert.equal(verdict(facts, { ...proposed, operation: 'CONNECT' }).allowed, true);
    });
  });

  test('allows what is stored already, edited in ways that ask for nothing else', () => {
    fc.assert(
      fc.property(anyService, fc.string(), (stored, text) => {
        const object = structuredClone(stored);
        object.metadata.labels = { note: text };
        object.spec?.ports?.push({ port: 8443 });
        const { allowed } = verdict(facts, change(stored, stored));
        assert.equal(allowed, true);
        // An added port may break a sharing that worked; anything else that was bad stays merely warned about.
        if (!verdict(facts, change(stored)).allowed && stored.status?.loadBalancer?.ingress === undefined)
          assert.equal(verdict(facts, change(object, stored)).allowed, true);
      }),
    );
  });

  test('allows everything before the facts are known, and while there is no pool', () => {
    const early = factsOf({ pools, facts: { listed: false, loaded: false } });
    const none = factsOf({});
    fc.assert(
      fc.property(anyService, (object) => {
        assert.equal(verdict(early, change(object)).allowed, true);
        assert.equal(verdict(none, change(object)).allowed, true);
      }),
    );
  });

  test('of a namespace at level warn allows everything', () => {
    const lax = factsOf({ pools, services, facts: { defaultLevel: 'warn' } });
    forAny((proposed, { findings }) => {
      const answer = verdict(lax, proposed);
      assert.equal(answer.allowed, true);
      assert.deepEqual(answer.findings, findings);
    });
  });

  test('of a namespace at level audit says nothing to the author and all to the audit log', () => {
    const watched = factsOf({ pools, services, facts: { defaultLevel: 'audit' } });
    forAny((proposed, { findings }) => {
      const answer = verdict(watched, proposed);
      assert.deepEqual([answer.allowed, answer.warnings], [true, []]);
      assert.equal(answer.audit['code'] ?? '', [...new Set(findings.map(({ code }) => code))].join(','));
    });
  });

  test('refuses only for findings whose code may', () => {
    const mayRefuse = (code: keyof typeof FINDINGS): boolean =>
      FINDINGS[code].level === 'deny' || code === 'LB111';
    forAny((_, { allowed, findings }) => {
      if (!allowed) assert.ok(findings.some(({ code }) => mayRefuse(code)));
    });
  });

  test('leaves the ledger as it was', () => {
    const counts = (): unknown => pools.map(({ metadata: { name = '' } }) => facts.ledger.counts(name));
    const before = counts();
    forAny(() => undefined);
    assert.deepEqual(counts(), before);
  });
});

test('the audit log has code, sentence and the version of the facts', () => {
  const { audit } = verdict(facts, change(service('web', { spec: { loadBalancerIP: '192.0.2.251' } })));
  assert.deepEqual(audit, {
    code: 'LB101',
    finding:
      'LB101 spec.loadBalancerIP 192.0.2.251 is in no pool open to namespace default; nearest free: 192.0.2.250 (pool default)',
    facts: '7.3',
  });
});

test('several faults are told together', () => {
  const { message } = verdict(facts, poolChange(pool('new', ['x', 'y'])));
  assert.match(message ?? '', /^LB201 spec\.addresses\[0\] x .*; LB201 spec\.addresses\[1\] y /);
});
