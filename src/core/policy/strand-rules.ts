/**
 * The blast-radius guard: what a change of pools, advertisements or labels of namespaces does to Services that have their
 * addresses. Nobody asked for that by editing an object they may never have heard of, so it is refused with the list of
 * who is hit, and lets itself be confirmed: with an annotation that holds the hash of exactly this list, on the object
 * itself, where a review of the change sees it. A list that grew meanwhile wants a new hash.
 *
 * What must always hold: clusters are never wedged. What the control plane does to carry out a decision made elsewhere, the
 * end of a namespace or of an owner, is at most warned about (docs/adr/0005).
 */
import { CONFIRM_ANNOTATION } from '../../api/annotations.ts';
import type { Finding, FindingCode } from '../../api/findings.ts';
import { LEGACY_CONFIG_MAP } from '../../api/metallb.ts';
import { announcedIn } from '../allocation/announced.ts';
import { keepHeld } from '../allocation/held.ts';
import { Ledger } from '../allocation/ledger.ts';
import { poolChanges } from '../allocation/pool-changes.ts';
import { ByName } from '../config/by-name.ts';
import { compareText } from '../config/objects.ts';
import type { Snapshot } from '../config/snapshot.ts';
import { EMPTY_SNAPSHOT } from '../config/snapshot.ts';
import type { Address } from '../net/address.ts';
import { formatAddress, sameAddress } from '../net/address.ts';
import type { WorldChange } from './changed-world.ts';
import { isWorldChange, loadAfter, loadBefore, refOf } from './changed-world.ts';
import type { Change, Facts, Remark } from './facts.ts';
import type { HopedWorld } from './hoped-world.ts';
import { isWanted } from './wanted.ts';

/** Named one by one; the others are counted. */
const NAMED = 10;
const HASH_BYTES = 8;

/** What the guard says. */
export const STRANDING: ReadonlySet<FindingCode> = new Set(['LB228', 'LB229', 'LB230', 'LB231']);

/** Controllers of the control plane that carry out what was decided elsewhere. */
const CARRY_OUT: ReadonlySet<string> = new Set([
  'system:kube-controller-manager',
  'system:serviceaccount:kube-system:generic-garbage-collector',
  'system:serviceaccount:kube-system:namespace-controller',
]);

/** Services that have an address now and would have lost it, or have it announced by nobody. */
interface Stranded {
  /** `namespace/name` of all of them. */
  readonly keys: readonly string[];
  /** `namespace/name address`, sorted. */
  readonly lost: readonly string[];
  readonly silent: readonly string[];
}

export function judgeStranding(facts: Facts, change: Change): readonly Remark[] {
  if (!isWorldChange(change) || !facts.loaded || !isConfiguration(facts, change)) return [];
  const stranded = strandedBy(facts, change);
  // With faults it would not come into force, and is refused for them.
  if (stranded === undefined || stranded.lost.length + stranded.silent.length === 0) return [];

  const code = codeOfLoss(change);
  const hash = hashOf(facts, change, code, stranded);
  const annotated = (change.object ?? change.oldObject)?.metadata.annotations?.[CONFIRM_ANNOTATION];
  const isForced = annotated === hash || isCarriedOut(facts, change);
  const told = (
    about: FindingCode,
    lines: readonly string[],
    sentence: (count: number) => string,
  ): Remark[] => {
    if (lines.length === 0) return [];
    const message = `${sentence(lines.length)}: ${listing(lines)}${isForced ? '' : remedy(change, hash)}`;
    return [{ finding: findingAbout(about, change, message), level: isForced ? 'warn' : 'deny' }];
  };
  return [...told(code, stranded.lost, sentenceOfLoss), ...told('LB230', stranded.silent, sentenceOfSilence)];
}

/**
 * True where what the user intends besides helps none of those the change strands: they neither leave by themselves nor find
 * their address, or their advertisement, elsewhere. That an intent would strand them as well is no help.
 */
export function strandsInHopedWorld(facts: Facts, change: WorldChange, hoped: HopedWorld): boolean {
  const alone = strandedBy(facts, change);
  const together = strandedBy(facts, change, hoped);
  if (alone === undefined || together === undefined) return true;
  const still = new Set(together.keys);
  return alone.keys.some((key) => still.has(key));
}

/** Undefined where the configuration would have faults. */
function strandedBy(facts: Facts, change: WorldChange, hoped?: HopedWorld): Stranded | undefined {
  const before = snapshotBefore(facts, change);
  const input = hoped?.facts.configInput ?? facts.configInput;
  const after = loadAfter(input, change).snapshot;
  return after && strandedBetween(facts, before, after, hoped?.leaving ?? new Set());
}

function isConfiguration({ configInput }: Facts, change: WorldChange): boolean {
  if (change.kind === 'Namespace') return change.operation === 'UPDATE';
  if (change.namespace !== configInput.namespace) return false;
  return change.kind !== 'ConfigMap' || change.name === LEGACY_CONFIG_MAP;
}

/** What is in force; with the old object as the API server sends it, which a store may not have seen yet. */
function snapshotBefore(facts: Facts, change: WorldChange): Snapshot {
  if (change.kind === 'ConfigMap' || change.oldObject === undefined) return facts.snapshot;
  const stored = loadBefore(facts.configInput, change).snapshot;
  // Whoever mends the last fault brings everything into force that was changed since.
  return stored ?? facts.snapshot;
}

function strandedBetween(
  facts: Facts,
  before: Snapshot,
  after: Snapshot,
  leaving: ReadonlySet<string>,
): Stranded {
  const keys: string[] = [];
  const lost: string[] = [];
  const silent: string[] = [];
  const changes = poolChanges(before, after);
  const holders = holdersOf(facts, changes.keys()).filter((each) => !leaving.has(each));
  if (holders.length === 0) return { keys, lost, silent };
  const then = emptyLedger(facts, after, changes.keys());
  const [wasAnnounced, isAnnounced] = [announcedIn(before), announcedIn(after)];
  for (const key of holders) {
    const holding = facts.ledger.holding(key);
    const view = facts.viewOf(key);
    if (holding === undefined || view === undefined) continue;
    // Who may not have it any more as it is, or wants another, loses nothing by this change.
    const had = keepHeld(facts.ledger, before, view);
    const wanted = had.addresses.filter((address) => isWanted(view, holding.pool, address));
    const kept = keepHeld(then, after, { ...view, held: holding.addresses });
    const isKept = (address: Address): boolean => kept.addresses.some((other) => sameAddress(other, address));
    const gone = wanted.filter((address) => !isKept(address));
    const falls = wasAnnounced(holding.pool, view) && !isAnnounced(kept.pool ?? '', view);
    const unheard = falls ? wanted.filter(isKept) : [];
    if (gone.length + unheard.length > 0) keys.push(key);
    if (gone.length > 0) lost.push(`${key} ${gone.map(formatAddress).join(' and ')}`);
    if (unheard.length > 0) silent.push(`${key} ${unheard.map(formatAddress).join(' and ')}`);
  }
  return { keys, lost, silent };
}

/** Sorted: who has addresses of the pools. */
function holdersOf({ ledger }: Facts, pools: Iterable<string>): readonly string[] {
  return [...pools].flatMap((pool) => [...ledger.holdingsIn(pool)].map(({ key }) => key)).toSorted();
}

/**
 * Nobody holds anything, and there are only the pools that may have an address somebody holds in a pool that changes. What is
 * as it was where the holdings were recorded has none of them: ranges do not overlap. Nor are there reservations and policies,
 * which take nothing away from those who have it.
 */
function emptyLedger({ snapshot }: Facts, after: Snapshot, changing: Iterable<string>): Ledger {
  const names = new Set([...changing, ...poolChanges(snapshot, after).keys()]);
  const pools = [...names].toSorted(compareText).flatMap((name) => after.pools.get(name) ?? []);
  const ledger = new Ledger();
  ledger.setPools({ ...EMPTY_SNAPSHOT, pools: new ByName(pools) });
  return ledger;
}

/** Decided elsewhere: by who ended the namespace, or the object that owns this one. */
function isCarriedOut(facts: Facts, { operation, namespace, user, oldObject }: WorldChange): boolean {
  if (operation !== 'DELETE') return false;
  const isOwned = (oldObject?.metadata.ownerReferences?.length ?? 0) > 0;
  return isOwned || CARRY_OUT.has(user) || facts.isTerminating(namespace);
}

function codeOfLoss({ kind, object }: WorldChange): FindingCode {
  if (kind === 'Namespace') return 'LB231';
  return object === undefined ? 'LB229' : 'LB228';
}

/** Begins with letters, so that YAML takes no hash for a number. */
function hashOf(facts: Facts, change: WorldChange, code: FindingCode, { lost, silent }: Stranded): string {
  const { namespace, name } = refOf(change);
  const digest = facts.sha256(JSON.stringify([code, change.kind, namespace, name, lost, silent]));
  const hex = Array.from(digest.slice(0, HASH_BYTES), (byte) => byte.toString(16).padStart(2, '0'));
  return `sha256-${hex.join('')}`;
}

function sentenceOfLoss(count: number): string {
  return count === 1 ? 'a Service loses its address' : `${count} Services lose their addresses`;
}

function sentenceOfSilence(count: number): string {
  return count === 1
    ? 'nobody announces the address of a Service any more'
    : `nobody announces the addresses of ${count} Services any more`;
}

function listing(lines: readonly string[]): string {
  const more = lines.length > NAMED ? ` and ${lines.length - NAMED} more` : '';
  return lines.slice(0, NAMED).join(', ') + more;
}

function remedy({ kind, name }: WorldChange, hash: string): string {
  return `; move them first, or confirm it on ${kind} ${name} with the annotation ${CONFIRM_ANNOTATION}: ${hash}`;
}

const PATHS: Readonly<Partial<Record<WorldChange['kind'], string>>> = {
  ConfigMap: 'data.config',
  Namespace: 'metadata.labels',
};

function findingAbout(code: FindingCode, change: WorldChange, message: string): Finding {
  const { namespace, name } = refOf(change);
  const object = { kind: change.kind, ...(namespace !== undefined && { namespace }), name };
  return { code, object, path: PATHS[change.kind] ?? 'spec', message };
}
