import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuiltIns } from '../../../../support/built-ins.ts';

describe('Event', () => {
  const event = (name: string): object => ({
    metadata: { name, namespace: 'default' },
    involvedObject: { kind: 'Service', namespace: 'default', name: 'nginx' },
    reason: 'IPAllocated',
    message: 'Assigned IP ["192.0.2.1"]\n',
    source: { component: 'metallb-controller', host: 'n1' },
    type: 'Normal',
    count: 2,
    firstTimestamp: '2026-11-20T00:00:00Z',
    lastTimestamp: '2026-11-20T00:01:00Z',
  });

  it('prints what kubectl shows', () => {
    assert.deepEqual(new BuiltIns().cells('Event', event('e')), {
      'Last Seen': '2026-11-20T00:01:00Z',
      Type: 'Normal',
      Reason: 'IPAllocated',
      Object: 'service/nginx',
      Subobject: '',
      Source: 'metallb-controller, n1',
      Message: 'Assigned IP ["192.0.2.1"]',
      'First Seen': '2026-11-20T00:00:00Z',
      Count: 2,
      Name: 'e',
    });
  });

  it('goes an hour after it was last written', () => {
    const fixture = new BuiltIns();
    const { server } = fixture;
    const kept = (): string[] =>
      [...server.items(fixture.definition('Event').resource)].map(({ metadata }) => metadata.name ?? '');
    fixture.write('Event', event('first'));
    fixture.write('Event', event('second'));
    server.time = '2026-11-20T00:30:00Z';
    fixture.write('Event', { ...event('first'), count: 3 });
    server.time = '2026-11-20T01:00:00Z';
    fixture.write('Event', event('third'));
    assert.deepEqual(kept(), ['first', 'third']);
  });

  it('belongs to the namespace of what it is about', () => {
    const elsewhere = { ...event('e'), involvedObject: { kind: 'Pod', namespace: 'other', name: 'p' } };
    assert.equal(
      new BuiltIns().refusal('Event', elsewhere),
      'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    );
    new BuiltIns().write('Event', { ...event('e'), involvedObject: { kind: 'Node', name: 'n1' } });
  });
});
