import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuiltIns } from '../../../../support/built-ins.ts';

const META = { name: 'a', namespace: 'default' };

describe('EndpointSlice and Endpoints', () => {
  const slice = (addresses: string[], addressType = 'IPv4'): object => ({
    metadata: META,
    addressType,
    endpoints: [{ addresses }],
    ports: [{ port: 80 }],
  });

  it('default and print', () => {
    const fixture = new BuiltIns();
    const stored = fixture.write('EndpointSlice', slice(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']));
    assert.deepEqual(stored['ports'], [{ port: 80, name: '', protocol: 'TCP' }]);
    assert.deepEqual(fixture.cells('EndpointSlice', stored), {
      Name: 'a',
      AddressType: 'IPv4',
      Ports: '80',
      Endpoints: '10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...',
      Age: null,
    });
    const empty = fixture.write('EndpointSlice', { metadata: { ...META, name: 'b' }, addressType: 'IPv6' });
    assert.deepEqual(
      [fixture.cells('EndpointSlice', empty)['Ports'], fixture.cells('EndpointSlice', empty)['Endpoints']],
      ['<unset>', '<unset>'],
    );
  });

  it('take addresses of their type only, and not any', () => {
    const refusal = (...args: Parameters<typeof slice>): string =>
      new BuiltIns().refusal('EndpointSlice', slice(...args));
    assert.equal(
      refusal(['::1']),
      'endpoints[0].addresses[0]: Invalid value: "::1": must be an IPv4 address',
    );
    assert.match(refusal(['x']), /must be a valid IP address/);
    assert.match(refusal(['127.0.0.1']), /may not be in the loopback range/);
    assert.match(refusal([]), /^endpoints\[0\].addresses: Required value: must contain at least 1 address$/);
    assert.match(refusal(['a_b'], 'FQDN'), /RFC 1123 subdomain/);
  });

  it('print addresses with ports', () => {
    const subsets = [{ addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], ports: [{ port: 80 }] }];
    assert.equal(
      new BuiltIns().cells('Endpoints', { metadata: META, subsets })['Endpoints'],
      '10.0.0.1:80,[fd00::1]:80',
    );
    assert.equal(new BuiltIns().cells('Endpoints', { metadata: META })['Endpoints'], '<none>');
  });
});
