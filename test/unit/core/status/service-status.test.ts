import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Service } from '../../../../src/api/kubernetes.ts';
import type { Decision } from '../../../../src/core/allocation/decision.ts';
import { noPools, outsidePools } from '../../../../src/core/allocation/findings.ts';
import { viewService } from '../../../../src/core/allocation/view-service.ts';
import { readinessOf } from '../../../../src/core/status/readiness.ts';
import type { StatusWrite } from '../../../../src/core/status/service-status.ts';
import { planStatusWrite } from '../../../../src/core/status/service-status.ts';
import type { ServiceText } from '../../../support/allocation.ts';
import { address, service, view } from '../../../support/allocation.ts';

const T1 = '2026-01-01T00:00:00Z';
const T2 = '2026-01-02T00:00:00Z';
const assigned: Decision = { kind: 'assigned', addresses: [address('192.0.2.1')], pool: 'p', findings: [] };
const waiting: Decision = { kind: 'waiting', finding: noPools(view('a')), released: [] };
const foreign: Decision = { kind: 'foreign', released: [] };

function write(decision: Decision, stored: Service, now = T2): StatusWrite | undefined {
  return planStatusWrite(viewService(stored), decision, stored, now);
}

/** A Service on which `decision` was written at T1, with what the API server adds. */
function written(decision: Decision, text: ServiceText = {}): Service {
  const stored = service('a', text);
  const todo = write(decision, stored, T1);
  assert.equal(todo?.how, 'apply');
  if (todo?.how !== 'apply') return stored;
  const { metadata, status } = todo.body;
  const ingress = status?.loadBalancer?.ingress?.map((entry) => ({ ...entry, ipMode: 'VIP' }));
  return {
    ...stored,
    metadata: {
      ...stored.metadata,
      annotations: { ...stored.metadata.annotations, ...metadata.annotations },
    },
    status: { ...status, ...(ingress === undefined ? {} : { loadBalancer: { ingress } }) },
  };
}

describe('one write settles a Service', () => {
  test('with addresses, pool and condition', () => {
    assert.deepEqual(write(assigned, service('a'), T1), {
      how: 'apply',
      body: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {
          namespace: 'default',
          name: 'a',
          annotations: { 'metallb.io/ip-allocated-from-pool': 'p' },
        },
        status: {
          loadBalancer: { ingress: [{ ip: '192.0.2.1' }] },
          conditions: [
            {
              type: 'cleat.dev/AddressReady',
              status: 'True',
              reason: 'Assigned',
              message: '192.0.2.1 of pool p; the Service asks for any address',
              lastTransitionTime: T1,
            },
          ],
        },
      },
    });
  });

  test('with the condition alone when it waits', () => {
    assert.deepEqual(write(waiting, service('a'), T1), {
      how: 'apply',
      body: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: 'default', name: 'a' },
        status: {
          conditions: [
            {
              type: 'cleat.dev/AddressReady',
              status: 'False',
              reason: 'NoPools',
              message:
                'LB105 spec.type LoadBalancer needs an address, but there is no address pool; create an IPAddressPool',
              lastTransitionTime: T1,
            },
          ],
        },
      },
    });
  });

  test('and none is made where all is said, in whatever form', () => {
    assert.equal(write(assigned, written(assigned)), undefined);
    assert.equal(write(waiting, written(waiting)), undefined);
    assert.equal(write(foreign, service('a', { held: ['192.0.2.1'] })), undefined);
    const upper = written({ ...assigned, addresses: [address('fd00::1')] });
    upper.status = { ...upper.status, loadBalancer: { ingress: [{ ip: 'FD00:0::1' }] } };
    assert.equal(write({ ...assigned, addresses: [address('fd00::1')] }, upper), undefined);
  });
});

test('whatever else says something different is written over', () => {
  const ingresses: NonNullable<Service['status']>[] = [
    {},
    { loadBalancer: {} },
    { loadBalancer: { ingress: [{ ip: '192.0.2.2' }] } },
    { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }] } },
    { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'Proxy' }] } },
    { loadBalancer: { ingress: [{ ip: '192.0.2.1', hostname: 'x' }] } },
    { loadBalancer: { ingress: [{ hostname: 'x' }] } },
  ];
  for (const status of ingresses) {
    const stored = written(assigned);
    stored.status = { ...status, conditions: stored.status?.conditions ?? [] };
    assert.equal(write(assigned, stored)?.how, 'apply', JSON.stringify(status));
  }
  const otherPool = written({ ...assigned, pool: 'q' });
  assert.equal(write(assigned, otherPool)?.how, 'apply');
});

test('the time of transition changes with the status only', () => {
  const time = (decision: Decision, stored: Service) => {
    const todo = write(decision, stored);
    return todo?.how === 'apply' && todo.body.status?.conditions?.[0]?.lastTransitionTime;
  };
  assert.equal(time({ ...assigned, pool: 'q' }, written(assigned)), T1);
  assert.equal(time(waiting, written(assigned)), T2);
  assert.equal(time(assigned, written(waiting)), T2);
});

test('what another manager owns too and an apply leaves is removed with a patch', () => {
  const left = written(waiting, { held: ['192.0.2.1'] });
  const patch: StatusWrite = {
    how: 'merge',
    body: {
      metadata: { annotations: { 'metallb.io/ip-allocated-from-pool': null } },
      status: { loadBalancer: { ingress: null } },
    },
  };
  left.status = { ...left.status, loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
  assert.deepEqual(write(waiting, left), patch);
  const annotated = written(waiting, { annotations: { 'ip-allocated-from-pool': 'p' } });
  assert.deepEqual(write(waiting, annotated), patch);
});

describe('a Service that is not ours any more', () => {
  const clusterIP = (stored: Service): Service => ({
    ...stored,
    spec: { ...stored.spec, type: 'ClusterIP' },
  });

  test('is cleaned of what we wrote, other conditions kept, if it is still as seen', () => {
    const stored = clusterIP(written(assigned));
    const other = { type: 'x', status: 'True' as const, reason: 'R', message: '', lastTransitionTime: T1 };
    stored.metadata = { ...stored.metadata, resourceVersion: '7' };
    stored.status = { ...stored.status, conditions: [other, ...(stored.status?.conditions ?? [])] };
    assert.deepEqual(write(foreign, stored), {
      how: 'merge',
      body: {
        metadata: { resourceVersion: '7', annotations: { 'metallb.io/ip-allocated-from-pool': null } },
        status: { conditions: [other], loadBalancer: { ingress: null } },
      },
    });
  });

  test('is cleaned of what MetalLB wrote, too', () => {
    const stored = clusterIP(
      service('a', { held: ['192.0.2.1'], annotations: { 'ip-allocated-from-pool': 'p' } }),
    );
    assert.equal(write(foreign, stored)?.how, 'merge');
    assert.equal(write(foreign, clusterIP(service('a', { held: ['192.0.2.1'] }))), undefined);
  });

  test('but of another class is left to whoever writes it', () => {
    const stored = written(assigned);
    assert.equal(
      write(foreign, { ...stored, spec: { ...stored.spec, loadBalancerClass: 'theirs' } }),
      undefined,
    );
  });
});

test('another free address to offer is no reason to write', () => {
  const at = (near: string): Decision => ({
    kind: 'waiting',
    finding: outsidePools(
      view('a'),
      { path: 'spec.loadBalancerIP', address: address('192.0.2.9') },
      near === '' ? undefined : { address: address(near), pool: 'p' },
    ),
    released: [],
  });
  assert.equal(write(at('192.0.2.2'), written(at('192.0.2.1'))), undefined);
  assert.equal(write(at(''), written(at('192.0.2.1'))), undefined);
  assert.equal(write(waiting, written(at('192.0.2.1')))?.how, 'apply');
});

test('the condition names the request it answers', () => {
  const message = (text: ServiceText) => readinessOf(view('a', text), assigned)?.message;
  assert.equal(
    message({ spec: { loadBalancerIP: '192.0.2.1' } }),
    '192.0.2.1 of pool p; spec.loadBalancerIP asks for 192.0.2.1',
  );
  assert.equal(
    message({ annotations: { 'address-pool': 'p' } }),
    '192.0.2.1 of pool p; metadata.annotations[metallb.io/address-pool] asks for pool p',
  );
  const both: Decision = {
    ...assigned,
    addresses: [address('192.0.2.1'), address('fd00::1')],
    findings: [noPools(view('a'))],
  };
  assert.match(
    readinessOf(view('a'), both)?.message ?? '',
    /^192.0.2.1 and fd00::1 of pool p; the Service asks for any address; LB105 /,
  );
  assert.equal(readinessOf(view('a'), foreign), undefined);
});
