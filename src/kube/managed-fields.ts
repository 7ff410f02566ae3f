/**
 * metadata.managedFields is half of many objects, and nobody here reads it. It is left out before anything is made of it where
 * that is easy, which saves a quarter of the time that reading an object takes, and taken off what was read otherwise.
 */
import type { KubeObject } from '../api/meta.ts';

/** As the API server writes it. A key of that name within a text has backslashes before its quotes, so this is none. */
const START = ',"managedFields":[';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** `json`, the text of an object, without the first managedFields in it; as it is where there is none that can be told apart. */
export function cutManagedFields(json: string): string {
  const start = json.indexOf(START);
  if (start === -1) return json;
  let depth = 1;
  for (let i = start + START.length; i < json.length; i += 1) {
    const char = json.charCodeAt(i);
    if (char === QUOTE) {
      i = endOfText(json, i);
      if (i === -1) return json;
    } else if (char === OPEN) depth += 1;
    else if (char === CLOSE) depth -= 1;
    if (depth === 0) return json.slice(0, start) + json.slice(i + 1);
  }
  return json;
}

/** Where the text that opens with the quote at `start` has its closing quote; -1 where it has none. */
function endOfText(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let first = end;
    while (json.charCodeAt(first - 1) === BACKSLASH) first -= 1;
    if ((end - first) % 2 === 0) return end;
  }
  return -1;
}

/** The object itself, which has the field no more. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  object.metadata = metadata;
  return object;
}
