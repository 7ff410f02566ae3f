/** The flags, variables and files of MetalLB's member list, as the verb `speaker` reads them. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Command } from 'commander';
import { UserError } from '../../src/api/user-error.ts';
import { addMemberlistFlags, readMemberlistSettings } from '../../src/cli/memberlist-settings.ts';
import type { MemberlistFlags } from '../../src/cli/memberlist-settings.ts';
import { createCipher } from '../../src/platform/aes-gcm.ts';
import { LAN, WAN } from '../../src/protocol/memberlist/config.ts';
import { deriveKey, open, seal } from '../../src/protocol/memberlist/secrecy.ts';
import type { GossipSettings } from '../../src/speaker/gossip.ts';
import { RecordingLog } from '../support/recording-log.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'cleat-settings-'));
after(() => rmSync(scratch, { recursive: true }));
const NO_FILE = path.join(scratch, 'none.json');
const ON = ['--ml-bindaddr', '192.0.2.7', '--ml-labels', 'app=metallb'];
const SOME = new Uint8Array(3);

function read(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  configFile = NO_FILE,
  log = new RecordingLog(),
): GossipSettings | undefined {
  const command = addMemberlistFlags(new Command('speaker'));
  const flags = command.parse([...args], { from: 'user' }).opts<MemberlistFlags>();
  return readMemberlistSettings(flags, log, { env, configFile });
}

test('a member list needs an address and labels; without one of them there is none, as in MetalLB', () => {
  for (const args of [[], ON.slice(0, 2), ON.slice(2), ['--ml-bindaddr', '', '--ml-labels', 'a=b']])
    assert.equal(read(args), undefined, args.join(' '));
  const log = new RecordingLog();
  const { circle, ...rest } = read(ON, {}, NO_FILE, log) ?? assert.fail();
  assert.deepEqual(rest, {
    endpoint: { address: '192.0.2.7', port: 7946 },
    podSelector: 'app=metallb',
    config: LAN,
  });
  assert.equal(circle.cipher, undefined);
  assert.match(log.lines[0]?.message ?? '', /not encrypted/);
  const more = read([...ON, '--ml-bindport', '7947', '--ml-wan-config']);
  assert.deepEqual([more?.endpoint.port, more?.config], [7947, WAN]);
});

test('MetalLB’s variables say the same as its flags', () => {
  Object.assign(process.env, {
    METALLB_ML_BIND_ADDR: '2001:db8::7',
    METALLB_ML_BIND_PORT: '7000',
    METALLB_ML_LABELS: 'component=speaker',
  });
  const settings = read([]);
  for (const name of ['ADDR', 'PORT']) delete process.env[`METALLB_ML_BIND_${name}`];
  delete process.env['METALLB_ML_LABELS'];
  assert.deepEqual(settings?.endpoint, { address: '2001:db8::7', port: 7000 });
  assert.equal(settings.podSelector, 'component=speaker');
});

test('the key is that of the file secretkey, every byte of it, or of the variable', () => {
  const folder = path.join(scratch, 'ml_secret_key');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'secretkey'), 'secret\n');
  const expected = createCipher(deriveKey(Buffer.from('secret\n')));
  const sealed = seal(expected, SOME, SOME);
  for (const { circle } of [
    read([...ON, '--ml-secret-key-path', folder]) ?? assert.fail(),
    read(ON, { METALLB_ML_SECRET_KEY: 'secret\n' }) ?? assert.fail(),
  ]) {
    assert.ok(circle.cipher);
    assert.deepEqual(new Uint8Array(open(circle.cipher, sealed, SOME) ?? []), SOME);
  }
  writeFileSync(path.join(folder, 'secretkey'), '');
  assert.equal(read([...ON, '--ml-secret-key-path', folder])?.circle.cipher, undefined, 'empty is none');
});

test('config.json takes the place of all other settings', () => {
  const file = path.join(scratch, 'config.json');
  writeFileSync(file, '{"ProbeInterval": "2s", "GossipVerifyOutgoing": false}');
  const settings = read([...ON, '--ml-wan-config'], {}, file);
  assert.deepEqual(settings?.config, { ...LAN, probeIntervalMs: 2000 });
  assert.equal(settings.circle.verifyOutgoing, false);
});

test('what cannot be used is refused with the flag or the file, and the remedy', () => {
  const broken = path.join(scratch, 'broken.json');
  writeFileSync(broken, '{');
  const refused: readonly (readonly [RegExp, () => unknown])[] = [
    [/--ml-bindaddr node-1 is no IP address/, () => read(['--ml-bindaddr', 'node-1', '--ml-labels', 'a=b'])],
    [/--ml-bindport 0/, () => read([...ON, '--ml-bindport', '0'])],
    [/none\/secretkey.*\(ENOENT\); mount the Secret/, () => read([...ON, '--ml-secret-key-path', '/none'])],
    [/broken\.json: it is no JSON object/, () => read(ON, {}, broken)],
  ];
  for (const [sentence, act] of refused)
    assert.throws(act, (error) => error instanceof UserError && sentence.test(error.message));
});

test('listening everywhere, it is found at an address of its own', () => {
  const everywhere = ['--ml-bindaddr', '0.0.0.0', '--ml-labels', 'a=b'];
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  if (!addresses.some(({ family, internal }) => family === 'IPv4' && !internal)) {
    assert.throws(() => read(everywhere), /this node has no IPv4 address/);
    return;
  }
  const settings = read(everywhere);
  assert.equal(settings?.listenAddress, '0.0.0.0');
  assert.notEqual(settings.endpoint.address, '0.0.0.0');
});
