/** The golden corpus: every finding there is, in the same words at every door. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { FindingCode } from '../../src/api/findings.ts';
import { FINDINGS, formatFinding, gateLevelOf } from '../../src/api/findings.ts';
import type { AddressPolicy, AddressReservation } from '../../src/api/cleat.ts';
import type { Namespace, Service } from '../../src/api/kubernetes.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import { plan } from '../../src/core/allocation/plan.ts';
import { viewAsStored, viewService } from '../../src/core/allocation/view-service.ts';
import { verdict } from '../../src/core/policy/verdict.ts';
import { readManifests } from '../../src/gitops/manifests.ts';
import { Cleat } from '../support/cleat.ts';
import { corpus, readCorpus } from '../support/corpus.ts';
import { change, factsOf } from '../support/policy.ts';

const folder = path.resolve(import.meta.dirname, '../corpus');
const cases = corpus();

test('every finding there is has a case', () => {
  assert.deepEqual(
    cases.map(({ code }) => code),
    Object.keys(FINDINGS).toSorted(),
  );
});

describe('the case of', () => {
  for (const { code, findings } of cases) {
    test(`${code} finds it, and says what is wrong with what`, () => {
      const found = findings.filter((finding) => finding.code === code);
      assert.ok(found.length > 0, JSON.stringify(findings));
      for (const finding of found) {
        assert.ok(finding.message.length > 20);
        assert.doesNotMatch(finding.message, /immutable|undefined|\[object/i);
        const level = code === 'LB111' ? 'deny' : gateLevelOf(code);
        if (finding.level !== undefined) assert.equal(finding.level, level);
      }
    });
  }
});

/** Those about Services that a set shows; the world of the others has more in it. */
const OF_SERVICES = cases.filter(({ code }) => code < 'LB2' && code !== 'LB114');

describe('the webhook, the controller and cleat check say the same of', () => {
  for (const { code, findings } of OF_SERVICES) {
    test(code, () => {
      const found = findings.find((finding) => finding.code === code);
      const objects = readManifests([{ file: code, text: readCorpus(`${code}.yaml`).text }]).manifests.map(
        ({ object }) => object,
      );
      const of = (kind: string) => objects.filter((object) => object.kind === kind);
      const services = of('Service') as Service[];
      const [one] = services.filter(({ metadata }) => metadata.name === found?.object.name);
      assert.ok(one && found);
      const others = services.filter((service) => service !== one);
      const facts = factsOf({
        pools: of('IPAddressPool') as IPAddressPool[],
        l2Advertisements: of('L2Advertisement') as L2Advertisement[],
        namespaces: of('Namespace') as Namespace[],
        reservations: of('AddressReservation') as AddressReservation[],
        policies: of('AddressPolicy') as AddressPolicy[],
        services: others.map((service) => holding(service)),
      });
      const atTheGate = verdict(facts, change(one)).findings.map(formatFinding);
      assert.ok(atTheGate.includes(formatFinding(found)), atTheGate.join('\n'));
      if (code === 'LB113') return;
      const decision = plan(facts.ledger, facts.snapshot, viewAsStored(viewService(one)));
      assert.notEqual(decision.kind, 'foreign');
      if (decision.kind === 'foreign') return;
      const inTheCondition = decision.kind === 'waiting' ? [decision.finding] : decision.findings;
      assert.ok(inTheCondition.map(formatFinding).includes(formatFinding(found)));
    });
  }
});

/** Who asks for an address has it, as the controller would have given it. */
function holding(service: Service): Service {
  const ip = service.spec?.loadBalancerIP;
  return ip === undefined ? service : { ...service, status: { loadBalancer: { ingress: [{ ip }] } } };
}

test('the command says it with its place, in both formats, and ends as it should', async () => {
  const file = path.join(folder, 'LB101.yaml');
  const run = (...args: string[]) => new Cleat(['check', ...args]).end();
  const text = await run(file);
  const [found] = cases.find(({ code }) => code === 'LB101')?.findings ?? [];
  assert.ok(found);
  assert.equal(
    text.stdout,
    `${file}:13:49: deny: Service default/web: ${formatFinding(found)}\nobjects: 3, refused: 1, warnings: 0\n`,
  );
  assert.deepEqual([text.code, text.stderr], [1, '']);

  const json = await run('-o', 'json', file);
  assert.equal(json.code, 1);
  assert.deepEqual(JSON.parse(json.stdout), {
    findings: [
      {
        code: 'LB101',
        reason: 'OutsidePools',
        level: 'deny',
        object: { apiVersion: 'v1', kind: 'Service', namespace: 'default', name: 'web' },
        path: 'spec.loadBalancerIP',
        file,
        line: 13,
        column: 49,
        message: found.message,
        suggestion: '192.168.100.250',
      },
    ],
    unreadable: [],
    summary: { objects: 3, deny: 1, warn: 0, audit: 0, unreadable: 0 },
  });

  const warned = await run(path.join(folder, 'LB105.yaml'));
  assert.deepEqual([warned.code, warned.stderr], [0, '']);
  assert.match(warned.stdout, /: warn: Service default\/web: LB105 /);
  const lenient = await run('--enforce', 'warn', file);
  assert.deepEqual([lenient.code, lenient.stdout.includes(': warn: ')], [0, true]);
  const missing = await run(path.join(folder, 'none.yaml'));
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /^cleat: .*none\.yaml cannot be read: [^\n]+\n$/);
  const none = await run(path.resolve(import.meta.dirname, '../static'));
  assert.equal(none.code, 2);
  assert.match(none.stderr, /there is no Kubernetes object/);
});

test('a folder is one set, whatever the order of its files', async () => {
  const { code, stdout } = await new Cleat(['check', folder, '-o', 'json']).end();
  assert.equal(code, 1);
  const { findings } = JSON.parse(stdout) as { findings: { code: FindingCode; file: string }[] };
  assert.ok(findings.length > 40);
  assert.ok(findings.every(({ file }) => file.startsWith(folder)));
});
