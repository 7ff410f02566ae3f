/** What JSON.parse does not tell of a text: fields that are given twice, and nesting deep enough to break whoever walks it. */

interface Frame {
  /** Keys seen; undefined for a list. */
  readonly keys: Set<string> | undefined;
  readonly path: string;
  /** The key or position the next value has. */
  at: string;
  index: number;
}

/** Deeper than any object anyone writes, and far from what recursion can bear. */
const DEPTH_LIMIT = 512;

export interface JsonFacts {
  /** Paths of fields given more than once: `spec.ports[0].port`. */
  readonly duplicates: string[];
  readonly tooDeep: boolean;
}

/** Walks a text that JSON.parse has accepted. */
export function inspectJson(text: string): JsonFacts {
  const duplicates: string[] = [];
  const stack: Frame[] = [];
  const strings = /"(?:[^"\\]|\\.)*"/gsy;
  let wantsKey = false;
  for (let position = 0; position < text.length; position++) {
    const frame = stack.at(-1);
    switch (text[position]) {
      case '{':
      case '[': {
        const isObject = text[position] === '{';
        stack.push({ keys: isObject ? new Set() : undefined, path: frame?.at ?? '', at: '', index: 0 });
        if (stack.length > DEPTH_LIMIT) return { duplicates, tooDeep: true };
        wantsKey = isObject;
        const opened = stack.at(-1);
        if (opened !== undefined && !isObject) opened.at = `${opened.path}[0]`;
        break;
      }
      case '}':
      case ']':
        stack.pop();
        wantsKey = false;
        break;
      case ',':
        wantsKey = frame?.keys !== undefined;
        if (frame !== undefined && !wantsKey) frame.at = `${frame.path}[${++frame.index}]`;
        break;
      case '"': {
        strings.lastIndex = position;
        const literal = strings.exec(text)?.[0] ?? '"';
        if (wantsKey && frame?.keys !== undefined) {
          const key = JSON.parse(literal) as string;
          frame.at = frame.path === '' ? key : `${frame.path}.${key}`;
          if (frame.keys.has(key)) duplicates.push(frame.at);
          frame.keys.add(key);
          wantsKey = false;
        }
        position += literal.length - 1;
        break;
      }
      default:
    }
  }
  return { duplicates: [...new Set(duplicates)], tooDeep: false };
}
