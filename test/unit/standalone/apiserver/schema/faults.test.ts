import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { invalidObject } from '../../../../../src/standalone/apiserver/schema/faults.ts';

describe('invalidObject', () => {
  const services = { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true };

  it('is the 422 of kube-apiserver', () => {
    const error = invalidObject(services, 'x', [
      {
        reason: 'Invalid',
        path: 'spec.ports[0].port',
        value: 0,
        message: 'must be between 1 and 65535, inclusive',
      },
    ]);
    assert.equal(
      error.message,
      'Service "x" is invalid: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    );
    assert.equal(error.status.code, 422);
    assert.equal(error.status.reason, 'Invalid');
    assert.deepEqual(error.status.details, {
      name: 'x',
      kind: 'Service',
      causes: [
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: 0: must be between 1 and 65535, inclusive',
          field: 'spec.ports[0].port',
        },
      ],
    });
  });

  it('lists several faults once each', () => {
    const fault = { reason: 'Required', path: 'spec', message: '' } as const;
    const pools = {
      group: 'metallb.io',
      version: 'v1beta1',
      plural: 'ipaddresspools',
      kind: 'IPAddressPool',
      namespaced: true,
    };
    const error = invalidObject(pools, 'p', [
      fault,
      fault,
      { reason: 'Forbidden', path: 'spec.b', message: 'no' },
    ]);
    assert.equal(
      error.message,
      'IPAddressPool.metallb.io "p" is invalid: [spec: Required value, spec.b: Forbidden: no]',
    );
  });
});
