/** Commits that must converge, replayed in front of any API server with the gate before it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Target } from './api-server.ts';
import { freePorts } from './control-plane.ts';
import type { Gate } from './gate.ts';
import type { GitOpsTool } from './gitops-orders.ts';
import { giveAddress, mustApply, poolManifest, serviceManifest } from './gitops-orders.ts';
import { until } from './until.ts';

/**
 * A commit with a pool and a Service in it, then one that moves a Service and shrinks its pool: each within `tries`.
 * `subnet` is the first two octets of addresses nobody else uses. `between` is called between tries.
 */
export async function replayChangeSets(
  tool: GitOpsTool,
  target: Target,
  gates: readonly Gate[],
  { subnet, tries, between = () => undefined }: { subnet: string; tries: number; between?: () => void },
): Promise<void> {
  const name = subnet.replaceAll('.', '-');
  const converge = async (...commit: Parameters<GitOpsTool>[1]): Promise<void> => {
    const refusals: (readonly string[])[] = [];
    for (let attempt = 1; attempt <= tries; attempt++) {
      const refused = await tool(target, commit);
      if (refused.length === 0) return;
      refusals.push(refused);
      between();
    }
    assert.fail(`not in ${tries} tries: ${JSON.stringify(refusals, undefined, 1)}`);
  };
  const seen = (what: string, look: (gate: Gate) => boolean): Promise<true> =>
    until(what, 10_000, () => (gates.every(look) ? true : undefined), 20);

  // Elsewhere there is a pool, or nothing could be outside of every one.
  await mustApply(target, poolManifest(`other-${name}`, `${subnet}.9.0/28`));
  await seen('the gates seeing a pool', ({ configuration }) =>
    configuration.snapshot.pools.has(`other-${name}`),
  );
  const web = serviceManifest(`web-${name}`, `${subnet}.1.1`);
  await converge(web, poolManifest(`new-${name}`, `${subnet}.1.0/28`));

  await giveAddress(target, web, `${subnet}.1.1`);
  await seen('the gates seeing who has an address', ({ services, configuration }) => {
    const held = services.get(`default/${web.metadata.name}`)?.status?.loadBalancer?.ingress;
    return held !== undefined && configuration.snapshot.pools.has(`new-${name}`);
  });
  const moved = serviceManifest(`web-${name}`, `${subnet}.2.1`);
  await converge(moved, poolManifest(`new-${name}`, `${subnet}.2.0/28`));
}

/** One address in front of several replicas: each connection goes to any, as kube-proxy has it (the same ones each time). */
async function startSwitch(
  context: TestContext,
): Promise<{ readonly port: number; readonly ports: number[]; readonly cut: () => void }> {
  const ports: number[] = [];
  const open = new Set<Socket>();
  let state = 1;
  const next = (): number => {
    // A linear congruential generator (Numerical Recipes); its high bits are the good ones.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 16) % ports.length;
  };
  const server = createServer((socket) => {
    const upstream = connect(ports[next()] ?? 0, '127.0.0.1');
    for (const each of [socket, upstream]) {
      open.add(each);
      each.on('error', () => each.destroy());
      each.on('close', () => open.delete(each));
    }
    socket.pipe(upstream).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  context.after(() => {
    cut();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, ports, cut };
}

/** Two replicas that share nothing but their certificate, behind one address. */
export async function startTwoGates(
  context: TestContext,
  start: (reach: { webhookUrl: string; port: number }) => Promise<Gate>,
): Promise<{ readonly gates: readonly Gate[]; readonly cut: () => void }> {
  const { port, ports, cut } = await startSwitch(context);
  const gates: Gate[] = [];
  for (let replica = 0; replica < 2; replica++) {
    // Before it starts: the way to it is tried out through the API server.
    const [own = 0] = await freePorts('127.0.0.1', 1);
    ports.push(own);
    gates.push(await start({ webhookUrl: `https://127.0.0.1:${port}`, port: own }));
  }
  return { gates, cut };
}
