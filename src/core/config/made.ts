/**
 * A list and what was made of each of its members. Lists of configuration objects are long and change in one place, so what
 * was made of the list before is taken over, and what was left out and what came in is known: whatever follows from the whole
 * list can follow from the difference.
 */

export interface Made<A, B> {
  readonly from: readonly A[];
  /** Of each member of `from`, in its order. */
  readonly to: readonly B[];
  /** What there is no more, and what is new, beside the list before; everything is new where there was none. */
  readonly gone: readonly B[];
  readonly come: readonly B[];
}

const NOTHING: readonly never[] = [];

/**
 * `before` was made by the same `make`; it may be of any list. Its members are looked for in their order, so where many were
 * moved or left out they are made again, and are both gone and come.
 */
export function makeEach<A, B>(
  from: readonly A[],
  make: (member: A) => B,
  before: Made<A, B> | undefined,
): Made<A, B> {
  if (before === undefined) {
    const to = from.map((member) => make(member));
    return { from, to, gone: NOTHING, come: to };
  }
  if (before.from === from) return { from, to: before.to, gone: NOTHING, come: NOTHING };
  const then = before.from;
  // Mostly they begin alike.
  let at = 0;
  while (at < then.length && at < from.length && then[at] === from[at]) at += 1;
  const to = before.to.slice(0, at);
  const [come, gone]: [B[], B[]] = [[], []];
  for (const member of from.slice(at)) {
    if (at + 1 < then.length && then[at] !== member && then[at + 1] === member)
      gone.push(before.to[at++] as B);
    if (at < then.length && then[at] === member) {
      to.push(before.to[at++] as B);
      continue;
    }
    const made = make(member);
    come.push(made);
    to.push(made);
  }
  gone.push(...before.to.slice(at));
  return { from, to, gone, come };
}
