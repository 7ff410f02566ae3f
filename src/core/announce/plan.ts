/** Whether this node announces a Service by layer 2, or why it does not (MetalLB speaker/main.go, layer2_controller.go). */
import type { NodeLink } from '../../api/node-links.ts';
import { RangeIndex } from '../allocation/range-index.ts';
import { matchesAny, matchesSelector } from '../config/selector.ts';
import { advertisementsOf } from '../config/snapshot.ts';
import type { L2Advertisement, Snapshot } from '../config/snapshot.ts';
import type { Address } from '../net/address.ts';
import { formatAddress } from '../net/address.ts';
import type { Announceable, NodeView } from './announceable.ts';
import { isElected } from './election.ts';
import type { Sha256 } from './election.ts';
import { bestServing, readServingLinks, servesNone } from './serving.ts';
import type { ServingLink } from './serving.ts';

/** Everything the decision depends on but the Service. The same on every speaker, except `self`, `interfaces` and its own links. */
export interface AnnounceFacts {
  /** The node that decides, for itself alone. */
  readonly self: string;
  readonly snapshot: Snapshot;
  readonly nodes: ReadonlyMap<string, NodeView>;
  /** Nodes whose speaker is alive. */
  readonly members: ReadonlySet<string>;
  /** Names of this node's interfaces, up or not, without those excluded. */
  readonly interfaces: ReadonlySet<string>;
  /** What links nodes have, of those that say so; `self` too, as it sees them itself. */
  readonly links: ReadonlyMap<string, readonly NodeLink[]>;
  /** Announce from nodes excluded from load balancers too (MetalLB --ignore-exclude-lb). */
  readonly ignoreExcludeLabel: boolean;
  readonly sha256: Sha256;
}

export type Announcement =
  | {
      readonly kind: 'announced';
      readonly addresses: readonly Address[];
      readonly interfaces: readonly string[] | 'all';
    }
  | { readonly kind: 'withheld'; readonly reason: WithholdReason };

/** MetalLB's words where it has one. */
export type WithholdReason =
  | 'notLoadBalancer'
  | 'noIPAllocated'
  /** The ingress has an entry that is no address. */
  | 'invalidIP'
  /** No pool has all the addresses. */
  | 'ipNotAllowed'
  | 'noEndpoints'
  | 'noMatchingAdvertisement'
  /** A Service that shares its address cannot be told apart by an advertisement's serviceSelectors. */
  | 'sharedIPWithServiceSelector'
  | 'notOwner'
  /** Elected, but none of the interfaces the advertisements name exists here. */
  | 'noInterface'
  /** Elected, but none of the interfaces there are can be spoken on: down, without a carrier, or without IPv6. */
  | 'noLink';

/** An advertisement with the nodes it selects. */
interface Prepared {
  readonly advertisement: L2Advertisement;
  /** Node -> the sum of the weights of the preferences it meets. */
  readonly scores: ReadonlyMap<string, number>;
}

/** Decides for many Services under the same facts: what does not depend on the Service is resolved once. */
export class AnnouncementPlanner {
  readonly #facts: AnnounceFacts;
  readonly #pools: RangeIndex;
  readonly #advertisements: ReadonlyMap<string, readonly Prepared[]>;
  /** Nodes that may announce at all. */
  readonly #candidates: readonly string[];
  readonly #links: ReadonlyMap<string, readonly ServingLink[]>;

  constructor(facts: AnnounceFacts) {
    this.#facts = facts;
    this.#pools = new RangeIndex(facts.snapshot.pools.values());
    const prepared = new Map(
      facts.snapshot.l2Advertisements.map((it) => [
        it,
        { advertisement: it, scores: scoresOf(it, facts.nodes) },
      ]),
    );
    this.#advertisements = new Map(
      [...facts.snapshot.pools.keys()].map((pool) => [
        pool,
        advertisementsOf(facts.snapshot, pool).flatMap((advertisement) => prepared.get(advertisement) ?? []),
      ]),
    );
    this.#links = new Map([...facts.links].map(([node, links]) => [node, readServingLinks(links)]));
    this.#candidates = [...facts.nodes].flatMap(([name, node]) => {
      const shut = node.networkUnavailable || (node.excluded && !facts.ignoreExcludeLabel);
      return facts.members.has(name) && !shut ? name : [];
    });
  }

  plan(service: Announceable): Announcement {
    const { self, sha256, interfaces: existing } = this.#facts;
    const [first] = service.addresses;
    if (!service.ours) return withheld('notLoadBalancer');
    if (service.foreignIngress) return withheld('invalidIP');
    if (first === undefined) return withheld('noIPAllocated');
    const pool = this.#pools.poolOf(first);
    if (pool === undefined || service.addresses.some((address) => this.#pools.poolOf(address) !== pool)) {
      return withheld('ipNotAllowed');
    }
    if (!service.served) return withheld('noEndpoints');

    const matching = (this.#advertisements.get(pool) ?? []).filter(({ advertisement }) =>
      matchesAny(advertisement.serviceSelectors, service.labels),
    );
    if (service.sharing && matching.some(({ advertisement }) => advertisement.serviceSelectors.length > 0)) {
      return withheld('sharedIPWithServiceSelector');
    }
    const mine = matching.filter(({ scores }) => scores.has(self));
    if (mine.length === 0) return withheld('noMatchingAdvertisement');

    const allowed = this.#candidates.filter(
      (node) =>
        matching.some(({ scores }) => scores.has(node)) && (!service.local || service.servingNodes.has(node)),
    );
    const scoreOf = (node: string): number =>
      matching.reduce((sum, { scores }) => sum + (scores.get(node) ?? 0), 0);
    const linksOf = (node: string): readonly ServingLink[] | undefined => {
      const names = interfacesOf(matching.filter(({ scores }) => scores.has(node)));
      return this.#links.get(node)?.filter(({ name }) => names === 'all' || names.includes(name));
    };
    const candidates = bestServing(allowed, service.addresses, linksOf);
    if (!candidates.includes(self) || !isElected(self, candidates, scoreOf, formatAddress(first), sha256)) {
      return withheld('notOwner');
    }
    const interfaces = interfacesOf(mine);
    if (interfaces !== 'all' && !interfaces.some((name) => existing.has(name)))
      return withheld('noInterface');
    const links = linksOf(self);
    if (links !== undefined && servesNone(links, service.addresses)) return withheld('noLink');
    return { kind: 'announced', addresses: service.addresses, interfaces };
  }
}

function scoresOf(
  advertisement: L2Advertisement,
  nodes: ReadonlyMap<string, NodeView>,
): ReadonlyMap<string, number> {
  const scores = new Map<string, number>();
  for (const [name, { labels }] of nodes) {
    if (!matchesAny(advertisement.nodeSelectors, labels)) continue;
    const met = advertisement.preferredNodeSelectors.filter((it) => matchesSelector(it.preference, labels));
    scores.set(
      name,
      met.reduce((sum, { weight }) => sum + weight, 0),
    );
  }
  return scores;
}

/** All that any of them names; one that names none means every interface. */
function interfacesOf(advertisements: readonly Prepared[]): readonly string[] | 'all' {
  const lists = advertisements.map(({ advertisement }) => advertisement.interfaces);
  return lists.some((names) => names.length === 0) ? 'all' : [...new Set(lists.flat())].toSorted();
}

function withheld(reason: WithholdReason): Announcement {
  return { kind: 'withheld', reason };
}
