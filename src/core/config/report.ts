/** Findings of one configuration object, collected while it is read, and how values are shown in their sentences. */
import type { Finding, FindingCode } from '../../api/findings.ts';
import type { ObjectRef } from '../../api/meta.ts';

const LONGEST_VALUE = 60;

/** What findings about an object say of it: its name, and where in it a field stands. */
export interface Origin {
  /** The object users know. */
  readonly object: ObjectRef;
  /** The code of a value with the wrong type. */
  readonly malformed: FindingCode;
  /** Where the field that a reader calls `path` stands in what the user wrote. */
  readonly locate: (path: string) => string;
}

/** The origin of an object that is read as it was written. */
export function originOf(object: ObjectRef): Origin {
  return { object, malformed: 'LB210', locate: (path) => path };
}

export class Report {
  readonly origin: Origin;
  readonly #findings: Finding[];

  /** Findings go to the end of `findings`. */
  constructor(origin: Origin, findings: Finding[]) {
    this.origin = origin;
    this.#findings = findings;
  }

  /** `what` continues the sentence that begins with path and value: `is listed twice: remove one`. */
  add(code: FindingCode, path: string, value: unknown, what: string): void {
    this.#addShown(code, path, quote(value), what);
  }

  /** About a field without its value: it is not there, or nobody should see it. `what` continues the path's sentence. */
  addMissing(code: FindingCode, path: string, what: string): void {
    const { object, locate } = this.origin;
    const place = locate(path);
    this.#findings.push({ code, object, path: place, message: `${place} ${what}` });
  }

  /** `spec.autoAssign "true" is not true or false`: the value as JSON, since its type may be all that is wrong. */
  malformed(path: string, value: unknown, expected: string): void {
    const { malformed: code } = this.origin;
    if (value === undefined) this.addMissing(code, path, `is missing: write ${expected}`);
    else this.#addShown(code, path, inJson(value), `is not ${expected}`);
  }

  #addShown(code: FindingCode, path: string, value: string, what: string): void {
    const { object, locate } = this.origin;
    const place = locate(path);
    this.#findings.push({ code, object, path: place, value, message: `${place} ${value} ${what}` });
  }
}

/** A value as it stands in a sentence: plain words as they are, everything else as JSON, never long. */
function quote(value: unknown): string {
  const plain = typeof value === 'string' && /^[\w.:/%*-]+$/.test(value);
  return plain ? shorten(value) : inJson(value);
}

/** Whatever the shape, what is called a password is not shown. */
function inJson(value: unknown): string {
  return shorten(JSON.stringify(value, (key, inner: unknown) => (key === 'password' ? '…' : inner)));
}

function shorten(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}
