/** The world as it would be once a user's intents have come true. */
import type { Service } from '../../api/kubernetes.ts';
import { plan } from '../allocation/plan.ts';
import type { ServiceView } from '../allocation/service-view.ts';
import { viewAsStored, viewService } from '../allocation/view-service.ts';
import type { ConfigInput, LoadedConfig } from '../config/load.ts';
import { isFault, loadConfig, loadedOf } from '../config/load.ts';
import type { Snapshot } from '../config/snapshot.ts';
import { isWanted } from './wanted.ts';
import type { WorldChange } from './changed-world.ts';
import { isWorldChange, loadAfter, refOf, withObject } from './changed-world.ts';
import type { Change, Facts } from './facts.ts';

export interface HopedWorld {
  readonly facts: Facts;
  /** Services that are about to give up what they have. */
  readonly leaving: ReadonlySet<string>;
}

/**
 * The configuration with the intents about it, as far as they bring no faults with them, and the ledger without the Services
 * that are about to go elsewhere, or away; where to, `change` may have a part in. Only as hints: what is decided on this may soften a verdict, never more.
 */
export function hopedWorld(facts: Facts, intents: readonly Change[], change: Change): HopedWorld {
  const { input, loaded } = hopedConfiguration(facts, intents);
  const snapshot = loaded.snapshot ?? facts.snapshot;
  const labels = new Map(
    intents.flatMap((intent) =>
      intent.kind === 'Namespace' ? [[intent.name, intent.object?.metadata.labels ?? {}]] : [],
    ),
  );
  const leaving = leavingServices(facts, snapshotWith(input, change) ?? snapshot, intents);
  const hoped: Facts = {
    listed: facts.listed,
    loaded: facts.loaded,
    defaultLevel: facts.defaultLevel,
    version: facts.version,
    ...(facts.loadBalancerClass !== undefined && { loadBalancerClass: facts.loadBalancerClass }),
    snapshot,
    configInput: input,
    configFindings: loaded.snapshot === undefined ? facts.configFindings : loaded.findings,
    ledger: facts.ledger.withPools(snapshot, leaving),
    labelsOf: (namespace) => labels.get(namespace) ?? facts.labelsOf(namespace),
    isTerminating: (namespace) => facts.isTerminating(namespace),
    viewOf: (key) => facts.viewOf(key),
    servicesOf: (gateway) => facts.servicesOf(gateway),
    sha256: (text) => facts.sha256(text),
  };
  return { facts: hoped, leaving };
}

/** All of them together: a range that goes from one pool to another is a fault until both have changed. */
function hopedConfiguration(
  facts: Facts,
  intents: readonly Change[],
): { readonly input: ConfigInput; readonly loaded: LoadedConfig } {
  const about = intents.filter(isWorldChange);
  const inputWith = (changes: readonly WorldChange[]): ConfigInput =>
    changes.reduce((input, change) => withObject(input, change, change.object), facts.configInput);
  const input = inputWith(about);
  const loaded = about.length === 0 ? loadedOf(input) : loadConfig(input, loadedOf(facts.configInput));
  if (loaded.snapshot !== undefined) return { input, loaded };
  const faulty = new Set(loaded.findings.filter(isFault).map(({ object }) => nameOf(object)));
  const sound = about.filter((change) => !faulty.has(nameOf({ kind: change.kind, ...refOf(change) })));
  const soundInput = inputWith(sound);
  const soundLoaded = loadConfig(soundInput, loaded);
  return soundLoaded.snapshot === undefined
    ? { input: facts.configInput, loaded: { findings: facts.configFindings, snapshot: facts.snapshot } }
    : { input: soundInput, loaded: soundLoaded };
}

function nameOf(object: { kind: string; namespace?: string | undefined; name: string }): string {
  return JSON.stringify([object.kind, object.namespace, object.name]);
}

function snapshotWith(input: ConfigInput, change: Change): Snapshot | undefined {
  return isWorldChange(change) ? loadAfter(input, change).snapshot : undefined;
}

/** Who is leaving is believed to leave only where there is an address to go to, in the end. */
function leavingServices(facts: Facts, inTheEnd: Snapshot, intents: readonly Change[]): ReadonlySet<string> {
  const going = new Map<string, ServiceView | undefined>();
  for (const intent of intents) {
    if (intent.kind !== 'Service') continue;
    const key = `${intent.namespace}/${intent.name}`;
    const holding = facts.ledger.holding(key);
    if (holding === undefined) continue;
    const view = intent.object && viewIntended(intent.object, intent, facts.loadBalancerClass);
    if (!holding.addresses.every((address) => view && isWanted(view, holding.pool, address)))
      going.set(key, view);
  }
  if (going.size === 0) return NOBODY;
  const without = facts.ledger.withPools(inTheEnd, new Set(going.keys()));
  const stranded = [...going].filter(
    ([, view]) => view?.ours === true && plan(without, inTheEnd, view).kind !== 'assigned',
  );
  const stay = new Set(stranded.map(([key]) => key));
  return new Set([...going.keys()].filter((key) => !stay.has(key)));
}

const NOBODY: ReadonlySet<string> = new Set();

function viewIntended(
  object: Service,
  { namespace, name }: Change,
  ourClass: string | undefined,
): ServiceView {
  const view = viewAsStored(viewService(object, ourClass));
  return { ...view, namespace, name, key: `${namespace}/${name}` };
}
