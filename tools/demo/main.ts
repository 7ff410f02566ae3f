/**
 * `make demo`: the main job in a lab of its own, from `kubectl apply` to an answered ARP request. Each step prints its commands
 * with their real output, then what was expected and what was seen. Exit code 0 only where everything was as expected,
 * 2 where the machine lacks something.
 */
import { parseArgs } from 'node:util';
import { UserError } from '../../src/api/user-error.ts';
import { loadNative } from '../../src/platform/native.ts';
import { Lab, NODES } from '../../test/support/lab.ts';
import {
  enterPrivateNetwork,
  hasCommand,
  missingCommand,
  type PrivateNetwork,
} from '../../test/support/private-network.ts';
import { showGit } from './git-step.ts';
import { type Installation, showAddress, showAnswer, showFailover, showRefusal } from './installation.ts';
import { Report } from './report.ts';
import { manifest, realKubectl, Stage } from './stage.ts';

const S1: Installation = {
  configuration: 's1.yaml',
  service: 'web',
  firstAddress: '172.16.0.100',
  outsideAddress: '172.16.0.250',
  nearest: '172.16.0.149',
};
const S2: Installation = {
  configuration: 's2.yaml',
  service: 'nginx',
  firstAddress: '192.168.100.240',
  outsideAddress: '192.168.100.251',
  nearest: '192.168.100.250',
};

interface Step {
  readonly title: string;
  /** Steps that must have run before it. */
  readonly needs: readonly number[];
  run(stage: Stage): Promise<void>;
}

const STEPS: readonly Step[] = [
  {
    title: 'A lab: API server, controller with its webhook, three nodes with a speaker each',
    needs: [],
    run: startNodes,
  },
  { title: 'A pool and a Service: it gets an address', needs: [1], run: (stage) => showAddress(stage, S1) },
  {
    title: 'An address in no pool is refused; a free one is given',
    needs: [1, 2],
    run: (stage) => showRefusal(stage, S1),
  },
  {
    title: 'The client finds the address and is answered',
    needs: [1, 2],
    run: (stage) => showAnswer(stage, S1),
  },
  {
    title: 'The announcing speaker is killed',
    needs: [1, 2, 4],
    run: (stage) => showFailover(stage, S1),
  },
  {
    title: 'The same with the legacy ConfigMap in place of the custom resources',
    needs: [1],
    run: showLegacy,
  },
  {
    title: 'The same from Git: a commit arrives and takes effect',
    needs: [],
    run: ({ lab, report }) => showGit(lab, report),
  },
];

try {
  process.exitCode = await demo();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`demo: ${error.message}`);
  process.exitCode = 2;
}

async function demo(): Promise<number> {
  const { keep, only } = readFlags();
  checkMachine();
  const network = await enterPrivateNetwork();
  const report = new Report();
  if (realKubectl() === undefined)
    report.note('no kubectl on this machine: tools/demo/kubectl.ts stands in for it, with Cleat’s own apply');
  const startedAtMs = performance.now();
  await runSteps(report, only);
  const good = report.close();
  console.log(`in ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`);
  if (keep) await keepLab(network);
  // Whatever still runs in the lab ends with this process.
  process.exit(good ? 0 : 1);
}

function readFlags(): { keep: boolean; only: number | undefined } {
  try {
    const { values } = parseArgs({
      options: { keep: { type: 'boolean', default: false }, only: { type: 'string' } },
    });
    const only = values.only === undefined ? undefined : Number(values.only);
    if (only !== undefined && STEPS[only - 1] === undefined)
      throw new Error(`--only ${values.only} is no step`);
    return { keep: values.keep, only };
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new UserError(`${why}; use --keep to leave the lab up, --only 1 to ${STEPS.length} for one step`);
  }
}

/** What is missing is said before anything is started. */
function checkMachine(): void {
  loadNative();
  if (!hasCommand('git')) throw new UserError(missingCommand('git', 'git'));
}

async function runSteps(report: Report, only: number | undefined): Promise<void> {
  const wanted =
    only === undefined ? STEPS.map((_, index) => index + 1) : [...(STEPS[only - 1]?.needs ?? []), only];
  const lab = await Lab.create();
  let stage: Stage | undefined;
  for (const number of wanted) {
    const step = STEPS[number - 1];
    if (step === undefined) continue;
    report.step(number, step.title);
    try {
      stage ??= await Stage.open(lab, report);
      await step.run(stage);
    } catch (error) {
      report.check('the step to end', error instanceof Error ? error.message : String(error), false);
    }
  }
}

async function startNodes(stage: Stage): Promise<void> {
  const { report, nodes, main } = stage;
  await main.registerNodes();
  nodes.startPods();
  report.note(
    `the lab wrote the Nodes ${NODES.join(', ')} (no kubelet here) and runs a process on port 80 of each: the pods`,
  );
  report.note(
    'it wrote the Pods of the speakers too: by them they find each other, and then watch each other',
  );
  await nodes.startSpeakers();
  for (const node of NODES) {
    const environment = Object.entries(nodes.environmentOf(node)).map(([name, value]) => `${name}=${value}`);
    const flags = `--node-name=${node} --kubeconfig=${main.kubeconfig}`;
    report.command(`${node}: ${environment.join(' ')} cleat speaker ${flags} &`, {
      code: 0,
      stdout: '',
      stderr: '',
    });
  }
  const shown = await stage.kubectl(['get', 'nodes']);
  const ready = shown.stdout.split('\n').filter((line) => /\bReady\b/.test(line)).length;
  report.check(
    '3 nodes Ready, 3 speakers ready',
    `${ready} nodes, ${nodes.running} speakers`,
    ready === 3 && nodes.running === 3,
  );
}

async function showLegacy(stage: Stage): Promise<void> {
  for (const name of ['web-pinned.yaml', 'web.yaml', S1.configuration]) {
    await stage.kubectl(['delete', '--ignore-not-found', '-f', manifest(name)]);
  }
  await showAddress(stage, S2);
  await showRefusal(stage, S2);
  await showAnswer(stage, S2);
  await showFailover(stage, S2);
}

async function keepLab({ enterCommand, hostPid }: PrivateNetwork): Promise<void> {
  console.log(`
The lab stays up until ctrl-C. To enter it, as the same user, in another shell:
  ${enterCommand} bash
  export KUBECONFIG=/run/lab/up.kubeconfig; kubectl get svc
  nsenter --net=/run/netns/client ip neigh          # likewise node-1, node-2, node-3
(process ${hostPid} holds it; logs are in /run/lab/*.log)`);
  setInterval(() => undefined, 1 << 30);
  await new Promise(() => undefined);
}
