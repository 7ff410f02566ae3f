/** What steps 2 to 5 show with custom resources and step 6 shows again with the legacy ConfigMap. */
import { ADDRESS_READY } from '../../src/api/annotations.ts';
import { macOf } from '../../test/support/lab.ts';
import { httpGet, neighbourLeaves } from '../../test/support/lab-cluster.ts';
import { hasCommand } from '../../test/support/private-network.ts';
import { manifest, ownerOf, type Stage } from './stage.ts';

export interface Installation {
  /** The manifest with the pool. */
  readonly configuration: string;
  /**
   * The Service, from the manifest of its name. Manifest `-outside` asks for an address in no pool for another Service,
   * `-pinned`, and manifest `-pinned` for the one that the refusal proposes.
   */
  readonly service: string;
  /** What the Service gets: the first address of the pool. */
  readonly firstAddress: string;
  readonly outsideAddress: string;
  /** The address the refusal proposes. */
  readonly nearest: string;
}

const FAILOVER_TIMEOUT_MS = 45_000;

/** Configuration, then the Service: it gets the first address and says so in condition and events. */
export async function showAddress(stage: Stage, installation: Installation): Promise<void> {
  const { report } = stage;
  const { service, firstAddress } = installation;
  await stage.kubectl(['apply', '-f', manifest(installation.configuration)]);
  await stage.kubectl(['apply', '-f', manifest(`${service}.yaml`)]);
  await stage.main.addEndpoints(service);
  report.note(
    `the lab wrote the EndpointSlice of ${service}: the pods on the three nodes (no kubelet, no endpoint controller here)`,
  );
  await stage.kubectl(['wait', `--for=condition=${ADDRESS_READY}`, `svc/${service}`, '--timeout=10s']);
  const shown = await stage.kubectl(['get', 'svc', service]);
  const conditions = await stage.kubectl(['get', 'svc', service, '-o', 'jsonpath={.status.conditions}']);
  await stage.main.announcerOf(service);
  await stage.kubectl(['get', 'events', '--field-selector', `involvedObject.name=${service}`]);
  const external = shown.stdout.trimEnd().split('\n')[1]?.split(/\s+/)[3] ?? '';
  const ready = /"status":\s*"True"/.test(conditions.stdout) && conditions.stdout.includes(ADDRESS_READY);
  const seen = `${external || 'none'}${ready ? '' : `, but no ${ADDRESS_READY}`}`;
  report.check(`EXTERNAL-IP ${firstAddress}`, seen, external === firstAddress && ready);
}

/** An address outside every pool is refused with the nearest free one; asking for that gives exactly that. */
export async function showRefusal(stage: Stage, installation: Installation): Promise<void> {
  const { report } = stage;
  const { service, outsideAddress, nearest } = installation;
  const pinned = `${service}-pinned`;
  const refused = await stage.kubectl(['apply', '-f', manifest(`${service}-outside.yaml`)]);
  const expected = `403 Forbidden, LB101 for ${outsideAddress}, nearest free ${nearest}`;
  const facts = [/Forbidden|forbidden/, /LB101/, outsideAddress, nearest].map((fact) =>
    typeof fact === 'string' ? refused.stderr.includes(fact) : fact.test(refused.stderr),
  );
  const ok = refused.code === 1 && facts.every(Boolean);
  report.check(
    expected,
    ok ? 'just that' : `exit code ${refused.code}: ${refused.stderr.trim() || refused.stdout.trim()}`,
    ok,
  );

  await stage.kubectl(['apply', '-f', manifest(`${pinned}.yaml`)]);
  await stage.kubectl(['wait', `--for=condition=${ADDRESS_READY}`, `svc/${pinned}`, '--timeout=10s']);
  await stage.kubectl(['get', 'svc', pinned]);
  const seen = (await stage.main.addressesOf(pinned)).join();
  report.check(`${pinned} has exactly ${nearest}`, seen, seen === nearest);
}

/** The client finds the announcing node's MAC and gets an HTTP answer. */
export async function showAnswer(
  stage: Stage,
  { service, firstAddress: address }: Installation,
): Promise<void> {
  const { report, lab } = stage;
  const announcer = await stage.main.announcerOf(service);
  await lab.serveVip(address);
  report.note(
    `stand-in for kube-proxy: every node takes packets to ${address} for its own, but never answers ARP for it`,
  );
  if (hasCommand('arping'))
    await stage.run('client', 'arping', ['-c', '1', '-w', '2', '-I', 'eth0', address]);
  else report.note('no arping here: the kernel of the client looks the address up');
  const answer = await httpGet(lab, 'client', `http://${address}/`, 5_000);
  report.command(`client: node test/support/http-get.ts http://${address}/`, answer);
  await stage.run('client', 'ip', ['neigh', 'show', address]);
  const mac = await lab.neighbour(address);
  report.check(`ARP answered by ${announcer} (${macOf(announcer)})`, ownerOf(mac), mac === macOf(announcer));
  const pod = answer.stdout.trim();
  report.check(
    `HTTP answered by the pod on ${announcer}`,
    pod || answer.stderr.trim(),
    pod === `pod on ${announcer}`,
  );
}

/** kill -9 of the announcing speaker: another node takes over. The killed one is started again at the end. */
export async function showFailover(
  stage: Stage,
  { service, firstAddress: address }: Installation,
): Promise<void> {
  const { report, lab } = stage;
  const before = await stage.main.announcerOf(service);
  await stage.run('client', 'ip', ['neigh', 'show', address]);
  const pid = stage.nodes.pidOfSpeaker(before);
  const killedAtMs = performance.now();
  await stage.nodes.killSpeaker(before);
  report.command(`${before}: kill -9 ${pid}   # its speaker`, { code: 0, stdout: '', stderr: '' });
  const mac = await neighbourLeaves(lab, address, before, FAILOVER_TIMEOUT_MS);
  const movedMs = performance.now() - killedAtMs;
  await stage.run('client', 'ip', ['neigh', 'show', address]);
  const answer = await httpGet(lab, 'client', `http://${address}/`, 5_000);
  const answeredMs = performance.now() - killedAtMs;
  report.command(`client: node test/support/http-get.ts http://${address}/`, answer);
  const after = await stage.main.announcerOf(service, before);
  report.check(
    `the neighbour entry moves from ${before} to another node`,
    `${ownerOf(mac)} after ${seconds(movedMs)}`,
    mac === macOf(after),
  );
  const pod = answer.stdout.trim();
  report.check(
    'the next request is answered there',
    `${pod || answer.stderr.trim()}, ${seconds(answeredMs)} after the kill`,
    pod === `pod on ${after}`,
  );
  await stage.nodes.startSpeakers([before]);
  report.note(`the speaker on ${before} is started again`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
