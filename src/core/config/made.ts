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
/** Where more is gone or come, nothing is taken over. */
const FEW = 16;

/** `before` was made by the same `make`; it may be of any list. What was moved is both gone and come. */
export function makeEach<A, B>(
  from: readonly A[],
  make: (member: A) => B,
  before: Made<A, B> | undefined,
): Made<A, B> {
  if (before === undefined) return makeAll(from, make, NOTHING);
  if (before.from === from) return { from, to: before.to, gone: NOTHING, come: NOTHING };
  const then = before.from;
  // Copied as a whole, and then mended.
  const to = [...before.to];
  const [come, gone]: [B[], B[]] = [[], []];
  let at = 0;
  for (let next = 0; next < from.length; next++) {
    if (at + 1 < then.length && then[at] !== from[next] && then[at + 1] === from[next]) {
      gone.push(...to.splice(next, 1));
      at += 1;
    }
    if (at < then.length && then[at] === from[next]) {
      at += 1;
      continue;
    }
    const made = make(from[next] as A);
    come.push(made);
    to.splice(next, 0, made);
    if (gone.length + come.length > FEW) return makeAll(from, make, before.to);
  }
  gone.push(...to.splice(from.length));
  return { from, to, gone, come };
}

function makeAll<A, B>(from: readonly A[], make: (member: A) => B, gone: readonly B[]): Made<A, B> {
  const to = from.map((member) => make(member));
  return { from, to, gone, come: to };
}
