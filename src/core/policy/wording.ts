/**
 * How sentences leave the gate. Authors' own text is in them, so whatever it holds: one line, bounded, and never the word
 * that makes Flux delete and recreate an object (`force: true` looks for it in the message of a refusal).
 */

/** What the API server advises; it cuts at 256 itself. */
const LONGEST_WARNING = 120;
const LONGEST_DENIAL = 6_000;
const LONGEST_AUDIT = 1_000;

export function warningText(sentence: string): string {
  return cut(tame(sentence), LONGEST_WARNING);
}

export function denialText(sentences: readonly string[]): string {
  return cut(tame(sentences.join('; ')), LONGEST_DENIAL);
}

export function auditText(sentences: readonly string[]): string {
  return cut(tame(sentences.join('; ')), LONGEST_AUDIT);
}

function tame(text: string): string {
  return text
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .replaceAll(/immutable/gi, (word) => `${word.slice(0, 2)}-${word.slice(2)}`);
}

/** At most `longest` UTF-16 units, cut after a word where there is one to keep. */
function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const head = text.slice(0, longest - 1);
  const space = head.lastIndexOf(' ');
  // One endless word is cut in its middle, but not inside a surrogate pair.
  const kept = space > longest / 2 ? head.slice(0, space) : head.replace(/[\uD800-\uDBFF]$/, '');
  return `${kept}…`;
}
