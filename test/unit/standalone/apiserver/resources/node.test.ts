import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuiltIns } from '../../../../support/built-ins.ts';

describe('Node', () => {
  it('prints what kubectl shows', () => {
    const node = {
      metadata: {
        name: 'n1',
        labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' },
      },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: { kubeletVersion: 'v1.32.0', osImage: '' },
      },
    };
    assert.deepEqual(new BuiltIns().cells('Node', node), {
      Name: 'n1',
      Status: 'Ready,SchedulingDisabled',
      Roles: 'control-plane,worker',
      Age: null,
      Version: 'v1.32.0',
      'Internal-IP': '10.0.0.1',
      'External-IP': '<none>',
      'OS-Image': '<unknown>',
      'Kernel-Version': '<unknown>',
      'Container-Runtime': '<unknown>',
    });
    assert.equal(new BuiltIns().cells('Node', { metadata: { name: 'n' } })['Status'], 'Unknown');
  });

  it('may have an address of each family', () => {
    const addresses = [
      { type: 'InternalIP', address: '10.0.0.1' },
      { type: 'InternalIP', address: 'fd00::1' },
    ];
    new BuiltIns().write('Node', { metadata: { name: 'n1' }, status: { addresses } });
  });
});
