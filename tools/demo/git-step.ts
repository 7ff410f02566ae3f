/** Step 7: a pool change committed to a Git repository arrives and takes effect; a broken commit does not. */
import { readFileSync } from 'node:fs';
import { CONFIG_MAPS, type ConfigMap } from '../../src/api/kubernetes.ts';
import { INVENTORY_NAME, LAST_ERROR_ANNOTATION } from '../../src/standalone/git/inventory.ts';
import { GitFolder } from '../../test/support/git-folder.ts';
import type { Lab } from '../../test/support/lab.ts';
import type { ControlPlane } from '../../test/support/lab-cluster.ts';
import { until } from '../../test/support/until.ts';
import type { Report } from './report.ts';
import { kubectl, manifest, showStart } from './stage.ts';

const NAMESPACE = 'metallb-system';
const ARRIVAL_TIMEOUT_MS = 45_000;
const ONE_ADDRESS = '172.16.0.200-172.16.0.200';
const TWO_ADDRESSES = '172.16.0.200-172.16.0.201';

export async function showGit(lab: Lab, report: Report): Promise<void> {
  const repository = new GitFolder('main');
  const pool = readFileSync(manifest('git/pool.yaml'), 'utf8');
  commit(report, repository, 'one address', {
    'site/pool.yaml': pool,
    'site/services.yaml': readFileSync(manifest('git/services.yaml'), 'utf8'),
  });
  report.file('site/pool.yaml', pool);
  const server = await showStart(lab, report, {
    name: 'up-git',
    apiServerPort: 7443,
    webhookPort: 9444,
    flags: [`--git=${repository.folder}#main:site`],
  });
  const [before] = await server.addressesOf('first');
  await kubectl(lab, report, server, ['get', 'svc', 'first', 'second']);
  await kubectl(lab, report, server, ['get', 'svc', 'second', '-o', 'jsonpath={.status.conditions}']);

  const committedAtMs = performance.now();
  const good = commit(report, repository, 'two addresses', {
    'site/pool.yaml': pool.replace(ONE_ADDRESS, TWO_ADDRESSES),
  });
  const [second = 'none'] = await server.addressesOf('second', ARRIVAL_TIMEOUT_MS);
  const took = `${((performance.now() - committedAtMs) / 1000).toFixed(1)} s`;
  await kubectl(lab, report, server, ['get', 'ipaddresspools', '-n', NAMESPACE]);
  await kubectl(lab, report, server, ['get', 'svc', 'first', 'second']);
  report.check(
    'the commit gives the waiting Service 172.16.0.201',
    `${second} after ${took}, beside ${before ?? 'none'}`,
    before === '172.16.0.200' && second === '172.16.0.201',
  );

  report.note('one commit with a good file and a bad one: neither may arrive');
  const moved = pool.replace(ONE_ADDRESS, '172.16.0.210-172.16.0.219');
  const wrong = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\n';
  report.file('site/pool.yaml', moved);
  report.file('site/web.yaml', wrong);
  commit(report, repository, 'a wrong kind', { 'site/pool.yaml': moved, 'site/web.yaml': wrong });
  const said = await lastError(server);
  await kubectl(lab, report, server, [
    'get',
    'cm',
    INVENTORY_NAME,
    '-n',
    NAMESPACE,
    '-o',
    'jsonpath={.metadata.annotations}',
  ]);
  const pools = await kubectl(lab, report, server, ['get', 'ipaddresspools', '-n', NAMESPACE]);
  const after = await server.addressesOf('second');
  const keeps =
    said.includes('site/web.yaml:1') &&
    said.includes(`commit ${good.slice(0, 7)} stays in force`) &&
    pools.stdout.includes(TWO_ADDRESSES);
  report.check(
    'a broken commit is named and changes nothing',
    keeps ? `the pool as before, Service second still has ${after.join()}` : said,
    keeps && after.join() === second,
  );
  await server.stop();
}

function commit(
  report: Report,
  repository: GitFolder,
  message: string,
  files: Readonly<Record<string, string>>,
): string {
  const made = repository.commit(files, message);
  const stdout = repository.git('show', '--stat', '--oneline', '--no-color', 'HEAD');
  report.command(`git add --all && git commit --quiet --message='${message}' && git show --stat --oneline`, {
    code: 0,
    stdout,
    stderr: '',
  });
  return made;
}

function lastError(server: ControlPlane): Promise<string> {
  return until('a complaint about the commit', ARRIVAL_TIMEOUT_MS, async () => {
    const inventory = await server.client.get<ConfigMap>(CONFIG_MAPS, {
      namespace: NAMESPACE,
      name: INVENTORY_NAME,
    });
    return inventory?.metadata.annotations?.[LAST_ERROR_ANNOTATION];
  });
}
