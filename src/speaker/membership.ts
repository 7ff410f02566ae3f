/**
 * speaker/ announces, on one node, the addresses that core/announce gives this node: it observes the cluster, keeps the
 * packet worker's table, says who announces what (events, metrics), and keeps the list of living speakers.
 *
 * This file is that list, as a pure state machine. Each speaker renews a Lease; a speaker is dead when its Lease has not
 * changed for a while. The trouble with such rules is silence that has other causes: an API server that is down, a watch
 * that stalls, a process that was suspended. So nobody's clock decides alone. All Leases arrive in one stream, in the
 * order they were written; a speaker measures the others' silence against its own renewals *as they come back in that
 * stream*. No renewal of one's own coming back means that nothing is known, and then nothing changes: the list freezes.
 * And since everybody judges by the same rule, each can tell when the others must have given it up.
 *
 * What must hold: while the stream stands still no member is lost; a member that renews in time is never lost; one that
 * does not is lost by everybody whose renewals go on, itself included.
 */

interface Member {
  /** The text last seen; any change is a sign of life. */
  readonly renewal: string;
  /** When that was; for oneself when it was sent, which is no later than anything seen after it. */
  readonly lastMs: number;
  /** Start of the present run of renewals without a gap of a whole lease. */
  readonly steadySinceMs: number;
}

export interface Membership {
  readonly self: string;
  readonly leaseMs: number;
  readonly members: ReadonlyMap<string, Member>;
  /** Own renewals that have not come back yet, oldest first. */
  readonly sent: readonly { readonly renewal: string; readonly atMs: number }[];
  /** The result of the last judgement. */
  readonly alive: ReadonlySet<string>;
}

/** Times are of this machine's monotonic clock. */
export type MembershipEvent =
  /** An own renewal is about to be written. */
  | { readonly kind: 'sent'; readonly renewal: string; readonly atMs: number }
  /** A Lease as the stream shows it, one's own too. */
  | { readonly kind: 'seen'; readonly node: string; readonly renewal: string; readonly atMs: number }
  /** A Lease was deleted: its speaker has stopped. */
  | { readonly kind: 'gone'; readonly node: string }
  /** Everything the stream had to tell for now has been told. */
  | { readonly kind: 'judge' };

/** More than enough for what can be under way; only matters when writes succeed while the stream stands still. */
const LONGEST_SENT = 100;

export function createMembership(self: string, leaseMs: number): Membership {
  return { self, leaseMs, members: new Map(), sent: [], alive: new Set() };
}

export function step(state: Membership, event: MembershipEvent): Membership {
  switch (event.kind) {
    case 'sent':
      return { ...state, sent: [...state.sent, event].slice(-LONGEST_SENT) };
    case 'seen':
      return see(state, event);
    case 'gone':
      return { ...state, members: new Map([...state.members].filter(([node]) => node !== event.node)) };
    case 'judge':
      return { ...state, alive: judge(state) };
  }
}

function see(state: Membership, { node, renewal, atMs }: MembershipEvent & { kind: 'seen' }): Membership {
  const known = state.members.get(node);
  if (known?.renewal === renewal) return state;
  let lastMs = atMs;
  let { sent } = state;
  if (node === state.self) {
    const index = sent.findIndex((own) => own.renewal === renewal);
    const own = sent[index];
    if (own === undefined) return state; // left over from before this speaker started
    lastMs = own.atMs;
    sent = sent.slice(index + 1);
  }
  const steady = known !== undefined && lastMs - known.lastMs < state.leaseMs;
  const member = { renewal, lastMs, steadySinceMs: steady ? known.steadySinceMs : lastMs };
  return { ...state, sent, members: new Map(state.members).set(node, member) };
}

function judge({ self, leaseMs, members }: Membership): Set<string> {
  const own = members.get(self);
  const alive = new Set<string>();
  for (const [node, member] of members) {
    if (node !== self && !(own && missed(own, member, leaseMs))) alive.add(node);
  }
  const givenUp = own !== undefined && [...alive].some((node) => missed(members.get(node), own, leaseMs));
  if (own !== undefined && !givenUp) alive.add(self);
  return alive;
}

/** True where `judge` has renewed steadily through a whole lease in which `member` did not. */
function missed(judgeOf: Member | undefined, member: Member, leaseMs: number): boolean {
  return judgeOf !== undefined && judgeOf.lastMs - Math.max(member.lastMs, judgeOf.steadySinceMs) >= leaseMs;
}
