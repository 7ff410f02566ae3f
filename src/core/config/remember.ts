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
