/** Findings of one configuration object, collected while it is read, and how values are shown in their sentences. */
import type { Finding, FindingCode } from '../../api/findings.ts';
import type { ObjectRef } from '../../api/meta.ts';

const LONGEST_VALUE = 60;

export class Report {
  readonly object: ObjectRef;
  readonly #findings: Finding[];
  readonly #malformedCode: FindingCode;

  /** Findings about `object` go to the end of `findings`; `malformedCode` is the code of a value with the wrong type. */
  constructor(object: ObjectRef, findings: Finding[], malformedCode: FindingCode = 'LB210') {
    this.object = object;
    this.#findings = findings;
    this.#malformedCode = malformedCode;
  }

  /** `what` continues the sentence that begins with path and value: `is listed twice: remove one`. */
  add(code: FindingCode, path: string, value: unknown, what: string): void {
    this.#addShown(code, path, quote(value), what);
  }

  /** A field that should be there and is not. `what` continues the sentence that begins with the path. */
  addMissing(code: FindingCode, path: string, what: string): void {
    this.#findings.push({ code, object: this.object, path, message: `${path} ${what}` });
  }

  /** `spec.autoAssign "true" is not true or false`: the value as JSON, since its type may be all that is wrong. */
  malformed(path: string, value: unknown, expected: string): void {
    if (value === undefined) this.addMissing(this.#malformedCode, path, `is missing: write ${expected}`);
    else this.#addShown(this.#malformedCode, path, inJson(value), `is not ${expected}`);
  }

  #addShown(code: FindingCode, path: string, value: string, what: string): void {
    this.#findings.push({ code, object: this.object, path, value, message: `${path} ${value} ${what}` });
  }
}

/** A value as it stands in a sentence: plain words as they are, everything else as JSON, never long. */
function quote(value: unknown): string {
  const plain = typeof value === 'string' && /^[\w.:/%*-]+$/.test(value);
  return plain ? shorten(value) : inJson(value);
}

function inJson(value: unknown): string {
  return shorten(JSON.stringify(value));
}

function shorten(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}
