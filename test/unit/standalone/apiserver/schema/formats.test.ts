import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitsFormat } from '../../../../../src/standalone/apiserver/schema/formats.ts';

describe('formats', () => {
  const good: Record<string, string[]> = {
    date: ['2026-11-20'],
    'date-time': ['2026-11-20T23:57:06Z', '2026-11-20T23:57:06.123456+01:00'],
    duration: ['1h30m', '0', '-1.5s', '.5h', '22 ns', '3 days'],
    ipv4: ['192.0.2.1'],
    ipv6: ['2001:db8::1'],
    cidr: ['192.0.2.0/24', '192.0.2.7/24', '2001:db8::/64'],
    mac: ['00:11:22:33:44:55', '0011.2233.4455'],
    byte: ['', 'YQ==', 'YWI='],
    uri: ['https://example.com/a', '/path'],
  };
  const bad: Record<string, string[]> = {
    date: ['2026-1-1', '2026-02-32', '2026-02-29'],
    'date-time': ['2026-11-20', '2026-11-20T24:00:00Z', '2026-11-20 23:57:06Z', '2026-02-30T00:00:00Z'],
    duration: ['', '1', '1x', 'h'],
    ipv4: ['2001:db8::1', '010.0.0.1'],
    ipv6: ['192.0.2.1', '1::2::3'],
    cidr: ['192.0.2.0', '192.0.2.0/33', ' 192.0.2.0/24', '192.0.2.0-192.0.2.9'],
    mac: ['00:11:22:33:44'],
    byte: ['a', 'YQ=', 'Y!=='],
    uri: ['not a uri'],
  };
  for (const [format, texts] of Object.entries(good))
    for (const text of texts)
      it(`${format} takes ${JSON.stringify(text)}`, () => assert.equal(fitsFormat(format, text), true));
  for (const [format, texts] of Object.entries(bad))
    for (const text of texts)
      it(`${format} refuses ${JSON.stringify(text)}`, () => assert.equal(fitsFormat(format, text), false));
});
