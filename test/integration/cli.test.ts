/** The command line as a person meets it: help, version, every bad input in one sentence with exit code 2, and `cleat up`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { CONFIG_MAPS, type ConfigMap, SERVICES, type Service } from '../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS, type IPAddressPool } from '../../src/api/metallb.ts';
import { connect, type ConnectedClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Cleat, type Ended } from '../support/cleat.ts';
import { GitFolder } from '../support/git-folder.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

let scratch: string;
let taken: Server;
let takenPort: number;
before(async () => {
  scratch = mkdtempSync(path.join(tmpdir(), 'cleat-cli-'));
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  takenPort = (taken.address() as AddressInfo).port;
});
after(() => {
  taken.close();
  rmSync(scratch, { recursive: true });
});

const run = (...args: string[]): Promise<Ended> => new Cleat(args).end();
const inScratch = (name: string): string => path.join(scratch, name);
const upFlags = (name: string): string[] => [
  'up',
  '--listen=127.0.0.1:0',
  '--webhook-port=0',
  `--kubeconfig-out=${inScratch(name)}`,
  '--log-level=none',
];

function untilReady(up: Cleat): Promise<true> {
  return until('cleat up being ready', 30_000, () => {
    if (!up.running) throw new Error(`it ended: ${up.stderr}`);
    return up.stdout.includes('\nready') ? true : undefined;
  });
}

/** A kubeconfig of a server that is not there. */
function kubeconfigOfNobody(): string {
  const file = inScratch('nobody.kubeconfig');
  writeFileSync(
    file,
    `{apiVersion: v1, kind: Config, current-context: a, clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}],
      users: [{name: a, user: {token: t}}], contexts: [{name: a, context: {cluster: a, user: a}}]}`,
  );
  return file;
}

function gitFolder(files: Record<string, string>): string {
  const repository = new GitFolder();
  repository.commit(files);
  const folder = inScratch(path.basename(repository.folder));
  spawnSync('mv', [repository.folder, folder]);
  return folder;
}

const POOL = (range: string): string =>
  `apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: site, namespace: metallb-system}\nspec: {addresses: [${range}]}\n`;

async function refuses(attempt: Promise<Ended>, sentence: RegExp): Promise<void> {
  const { code, stdout, stderr } = await attempt;
  assert.match(stderr, sentence);
  assert.match(stderr, /^cleat: [^\n]+\n$/, 'one line and nothing else');
  assert.equal(stdout, '');
  assert.equal(code, 2);
}

suite('cleat', { concurrency: 2 }, () => {
  test('without arguments says what it can do', async () => {
    const { code, stdout } = await run();
    assert.equal(code, 0);
    for (const verb of ['up', 'controller', 'speaker', 'webhook', 'convert', 'version'])
      assert.match(stdout, new RegExp(`^  ${verb}\\b`, 'm'));
  });

  test('every verb has a help text, those that run with examples', async () => {
    for (const verb of ['up', 'controller', 'speaker', 'webhook', 'convert']) {
      const { code, stdout, stderr } = await run(verb, '--help');
      assert.equal(code, 0);
      assert.equal(stderr, '');
      assert.match(stdout, new RegExp(`Examples?:\n  cleat ${verb}`));
    }
  });

  test('version', async () => {
    const { code, stdout } = await run('version');
    assert.equal(code, 0);
    assert.match(stdout, /^cleat \d+\.\d+\.\d+ \(Node\.js v/);
  });

  test('convert: the objects on stdout, faults with their line on stderr and code 1', async () => {
    const file = inScratch('config.yaml');
    const config = 'address-pools:\n- {name: a, protocol: layer2, addresses: [10.0.0.0/24]}\n';
    writeFileSync(file, config);
    const converted = await run('convert', file);
    assert.deepEqual([converted.code, converted.stderr], [0, '']);
    assert.match(converted.stdout, /^# What ConfigMap .*\n---\n[^]*kind: L2Advertisement\n/);
    writeFileSync(file, config.replace('/24', '/33'));
    const { code, stdout, stderr } = await run('convert', file);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /config\.yaml:2: LB201 data\.config\.address-pools\[0\]\.addresses\[0\] 10\.0\.0\.0\/33 /,
    );
  });
});

suite('bad input ends in one sentence with exit code 2', { concurrency: 2 }, () => {
  const PLAIN: readonly [what: string, args: readonly string[], sentence: RegExp][] = [
    ['an unknown verb', ['fly'], /unknown command 'fly'; see cleat --help/],
    ['an unknown flag', ['up', '--fast'], /unknown option '--fast'; see cleat up --help/],
    [
      'a port that is none',
      ['controller', '--port', '99999'],
      /--port <port>' argument '99999' is invalid: Write a number/,
    ],
    [
      'an unknown log level',
      ['webhook', '--log-level', 'loud'],
      /'loud' is invalid: Allowed choices are all, debug, info/,
    ],
    [
      'a file that is not there',
      ['convert', '/nonexistent.yaml'],
      /\/nonexistent\.yaml cannot be read: ENOENT/,
    ],
    [
      'an unknown BGP implementation',
      ['webhook', '--bgp-type', 'bird'],
      /'bird' is invalid: Write native or frr/,
    ],
    [
      'a client authority that is not there',
      ['webhook', '--client-ca-file', '/no/such'],
      /--client-ca-file \/no\/such cannot be used: ENOENT/,
    ],
    [
      'a client authority that is none',
      ['webhook', '--client-ca-file', import.meta.filename],
      /--client-ca-file \S+ cannot be used: /,
    ],
    ['no node name', ['speaker'], /required option '--node-name <name>' not specified/],
    ['a listen address that is none', ['up', '--listen', 'nowhere'], /'nowhere' is invalid: Write host:port/],
    [
      'a kubeconfig that is not there',
      ['controller', '--kubeconfig', '/no/such'],
      /kubeconfig \/no\/such cannot be used: .+; name a readable kubeconfig/,
    ],
    ['no kubeconfig at all', ['controller'], /no kubeconfig: .+; name a readable kubeconfig/],
    ['a remote Git address', ['up', '--git', 'https://example.org/x'], /is a remote address; clone it/],
    ['a Git branch that is an option', ['up', '--git', '.#--upload-pack=x'], /is not a name git allows/],
  ];
  for (const [what, args, sentence] of PLAIN) {
    test(what, () => refuses(run(...args), sentence));
  }

  test('a kubeconfig that is not YAML', async () => {
    const file = inScratch('broken');
    writeFileSync(file, 'a: [');
    await refuses(
      run('speaker', '--node-name=n', '--kubeconfig', file),
      /kubeconfig .+broken cannot be used: .+; name a readable/,
    );
  });

  test('the API server’s port is taken', () =>
    refuses(
      run(...upFlags('taken-1'), '--listen', `127.0.0.1:${takenPort}`),
      new RegExp(`${takenPort} is already taken`),
    ));

  test('a directory that cannot be made', () =>
    refuses(
      run(...upFlags('proc'), '--data', '/proc/x/y'),
      /--data \/proc\/x\/y cannot be used \(.+\): name a directory that this user may write to/,
    ));

  test('a start that fails leaves the kubeconfig of another server as it is', async () => {
    const file = inScratch('taken-3');
    writeFileSync(file, 'of another server');
    await refuses(run(...upFlags('taken-3'), `--webhook-port=${takenPort}`), /the port is taken/);
    await refuses(run(...upFlags('taken-3'), '--git', '/no/such'), /\/no\/such/);
    assert.equal(readFileSync(file, 'utf8'), 'of another server');
  });

  test('a level that is none', () =>
    refuses(run('up', '--enforce', 'never'), /'never' is invalid: Allowed choices are deny, warn, audit/));

  test('the webhook’s port is taken', () =>
    refuses(
      run(...upFlags('taken-2'), `--webhook-port=${takenPort}`),
      new RegExp(`${takenPort}: the port is taken; stop what listens there or choose another`),
    ));

  test('the probes’ port is taken', () =>
    refuses(
      run(
        'speaker',
        '--node-name=n',
        '--kubeconfig',
        kubeconfigOfNobody(),
        '--log-level=none',
        `--health-probe-port=${takenPort}`,
      ),
      new RegExp(`port ${takenPort} is already taken.*--health-probe-port`),
    ));

  test('no addon', async () => {
    const speaker = new Cleat(
      [
        'speaker',
        '--node-name=n',
        '--kubeconfig',
        kubeconfigOfNobody(),
        '--log-level=none',
        '--port=0',
        '--health-probe-port=0',
      ],
      { env: { CLEAT_NATIVE: '/no/such.node' } },
    );
    await refuses(speaker.end(), /native addon \/no\/such\.node does not load .*make setup/);
  });

  test('a malformed list of interfaces to exclude', () => {
    const file = inScratch('excludel2.yaml');
    writeFileSync(file, 'announcedInterfacesToExclude: ["eth("]');
    const flags = ['--kubeconfig', kubeconfigOfNobody(), '--log-level=none', '--exclude-l2-file', file];
    return refuses(
      run('speaker', '--node-name=n', ...flags),
      /excludel2\.yaml: .+ has `eth\(`, which is not a/,
    );
  });

  test('a missing capability', async (t) => {
    const under =
      process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw'] : [];
    if (under.length > 0 && spawnSync('setpriv', ['--version']).status !== 0)
      return t.skip('needs setpriv (util-linux)');
    const flags = [
      'speaker',
      '--node-name=n',
      '--kubeconfig',
      kubeconfigOfNobody(),
      '--log-level=none',
      '--port=0',
      '--health-probe-port=0',
    ];
    await refuses(new Cleat(flags, { under }).end(), /capability CAP_NET_RAW: run as root, or add NET_RAW/);
  });

  test('a kubeconfig that cannot be written', () =>
    refuses(
      run(...upFlags('x'), '--kubeconfig-out', '/dev/null/kubeconfig'),
      /cannot be written \(E\w+\); choose another file with --kubeconfig-out/,
    ));

  test('a token that can be guessed', async () => {
    const file = inScratch('token');
    writeFileSync(file, 'secret\n');
    await refuses(run(...upFlags('y'), '--token-file', file), /holds no token of 16 or more/);
  });

  const GIT: readonly [what: string, files: Record<string, string>, sentence: RegExp][] = [
    [
      'a wrong kind in the Git folder',
      { 'a.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n' },
      /a\.yaml:1: Deployment web is of kind Deployment in apps\/v1, which this API server does not serve; correct it/,
    ],
    [
      'an unknown field in the Git folder',
      { 'a.yaml': POOL('172.16.0.100/32').replace('addresses', 'adresses') },
      /a\.yaml:1: IPAddressPool metallb-system\/site is refused: .*unknown field "spec\.adresses".*; correct it/,
    ],
    [
      'a malformed range in the Git folder',
      { 'a.yaml': POOL('172.16.0.100-172.16.0.999') },
      /a\.yaml:1: IPAddressPool metallb-system\/site is refused: .*LB201.*172\.16\.0\.999.*; correct it/,
    ],
    [
      'no manifests in the Git folder',
      { 'README.md': 'soon' },
      /holds no \*\.yaml, \*\.yml or \*\.json file; add one/,
    ],
  ];
  for (const [what, files, sentence] of GIT) {
    test(what, () => refuses(run(...upFlags(`git-${what}`), '--git', gitFolder(files)), sentence));
  }
});

suite('cleat up', () => {
  let up: Cleat;
  let client: ConnectedClient;
  let repository: GitFolder;
  const kubeconfig = (): string => inScratch('up/kubeconfig');
  const service = (): Promise<Service | undefined> =>
    client.get<Service>(SERVICES, { namespace: 'default', name: 'web' });
  const addressOf = async (): Promise<string | undefined> =>
    (await service())?.status?.loadBalancer?.ingress?.[0]?.ip;

  before(async () => {
    repository = new GitFolder();
    repository.commit({
      'site/pool.yaml': POOL('172.16.0.100-172.16.0.149'),
      'site/web.yaml':
        'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n',
    });
    up = new Cleat([
      ...upFlags('up/kubeconfig'),
      `--git=${repository.folder}#main:site`,
      '--git-interval=100ms',
    ]);
    await untilReady(up);
    client = await connect({
      kubeconfig: kubeconfig(),
      log: new RecordingLog(),
      clock: systemClock,
      userAgent: 'test',
    });
  });
  after(async () => {
    await client.close();
    if (up.running) await up.end('SIGINT');
    repository.remove();
  });

  test('says where things are, in a few lines', () => {
    assert.match(
      up.stdout,
      /^API server {3}https:\/\/127\.0\.0\.1:\d+\nwebhook {6}https:\/\/127\.0\.0\.1:[1-9]\d*\ngit .+#main:site/,
    );
    assert.match(up.stdout, new RegExp(`export KUBECONFIG=${kubeconfig()}\n$`));
    assert.equal(up.stderr, '');
  });

  test('the kubeconfig is for its owner only', () => {
    assert.equal(statSync(kubeconfig()).mode & 0o777, 0o600);
    assert.match(readFileSync(kubeconfig(), 'utf8'), /certificate-authority-data/);
  });

  test('a Service of the first commit gets the first address of its pool', async () => {
    assert.equal(await until('an address', 10_000, addressOf), '172.16.0.100');
  });

  test('a broken commit is named and changes nothing; the next good one takes effect', async () => {
    repository.commit({ 'site/pool.yaml': POOL('172.16.0.200/32'), 'site/x.yaml': 'kind: Gadget\n' });
    const said = await until('a complaint', 10_000, async () => {
      const inventory = await client.get<ConfigMap>(CONFIG_MAPS, {
        namespace: 'metallb-system',
        name: 'cleat-git-inventory',
      });
      return inventory?.metadata.annotations?.['cleat.dev/last-error'];
    });
    assert.match(said, /site\/x\.yaml:1 has no apiVersion/);
    const pool = () =>
      client.get<IPAddressPool>(IP_ADDRESS_POOLS, { namespace: 'metallb-system', name: 'site' });
    assert.deepEqual((await pool())?.spec.addresses, ['172.16.0.100-172.16.0.149']);
    assert.equal(await addressOf(), '172.16.0.100');

    repository.commit({ 'site/pool.yaml': POOL('172.16.0.100-172.16.0.150'), 'site/x.yaml': undefined });
    await until('the next commit', 10_000, async () =>
      (await pool())?.spec.addresses[0]?.endsWith('.150') ? true : undefined,
    );
    assert.equal(await addressOf(), '172.16.0.100');
  });

  test('ctrl-C ends it with code 0, and its ports are free again', async () => {
    const port = Number(/:(\d+)$/m.exec(up.stdout)?.[1]);
    assert.equal((await up.end('SIGINT')).code, 0);
    const again = createServer().listen(port, '127.0.0.1');
    await once(again, 'listening');
    again.close();
  });
});

suite('--token-file', () => {
  test('keeps a token it made', async () => {
    mkdirSync(inScratch('tokens'));
    const file = inScratch('tokens/token');
    const tokens: string[] = [];
    for (const name of ['one', 'two']) {
      const up = new Cleat([...upFlags(name), '--token-file', file]);
      await untilReady(up);
      await up.end('SIGTERM');
      tokens.push(/token: (\S+)/.exec(readFileSync(inScratch(name), 'utf8'))?.[1] ?? '');
    }
    assert.equal(tokens[0], readFileSync(file, 'utf8').trim());
    assert.equal(tokens[1], tokens[0]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });
});
