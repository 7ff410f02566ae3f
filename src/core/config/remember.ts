/**
 * A function that is asked again and again about the same object answers from memory. Observed objects are never changed in
 * place, so the same object always has the same answer; what is forgotten with the object costs no memory.
 */
export function remember<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const answers = new WeakMap<K, { readonly answer: V }>();
  return (key) => {
    const known = answers.get(key);
    if (known !== undefined) return known.answer;
    const answer = make(key);
    answers.set(key, { answer });
    return answer;
  };
}

const LATEST = 4;

/**
 * The same for what is asked a few times in a row and then never again. Only the latest answers are kept: those of `remember`
 * to questions that come and go live until a whole garbage collection, because V8 takes what an old WeakMap leads to for
 * reachable in all smaller ones, and where the answers are large those then copy nothing else.
 */
export function rememberLatest<A extends object, B extends object, V>(
  make: (a: A, b: B) => V,
): (a: A, b: B) => V {
  const latest: { readonly a: A; readonly b: B; readonly answer: V }[] = [];
  return (a, b) => {
    const known = latest.find((each) => each.a === a && each.b === b);
    if (known !== undefined) return known.answer;
    const answer = make(a, b);
    latest.unshift({ a, b, answer });
    latest.length = Math.min(latest.length, LATEST);
    return answer;
  };
}

/** The latest answer to a question about a list: the same one as long as the same things are in it. */
export function rememberForList<T, V>(make: (list: readonly T[]) => V): (list: readonly T[]) => V {
  let latest: { readonly list: readonly T[]; readonly answer: V } | undefined;
  return (list) => {
    const known = latest?.list;
    if (latest === undefined || known?.length !== list.length || list.some((each, at) => each !== known[at]))
      latest = { list, answer: make(list) };
    return latest.answer;
  };
}
