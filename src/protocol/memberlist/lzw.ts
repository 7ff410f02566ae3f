/**
 * LZW as Go's compress/lzw writes it with the least significant bit first and eight bits a literal, which is how a member
 * compresses what it sends: codes begin with 9 bits and grow to 12; 256 empties the table, 257 is the end.
 */

const CLEAR = 256;
const END = 257;
const FIRST_WIDTH = 9;
const LONGEST_WIDTH = 12;
const TABLE_LENGTH = 1 << LONGEST_WIDTH;
const NONE = -1;

/** Undefined for what is not LZW with its end, and for more than `longest` bytes. */
export function expandLzw(packed: Uint8Array, longest: number): Uint8Array | undefined {
  const output = new Output(longest);
  /** Code -> the code of all but its last byte, and that byte. */
  const prefix = new Int16Array(TABLE_LENGTH);
  const suffix = new Uint8Array(TABLE_LENGTH);
  const reversed = new Uint8Array(TABLE_LENGTH);
  let width = FIRST_WIDTH;
  /** The code that the next entry of the table will have. */
  let next = END;
  let last = NONE;
  let bits = 0;
  let held = 0;
  for (let at = 0; ;) {
    while (held < width) {
      const byte = packed[at];
      if (byte === undefined) return undefined;
      bits |= byte << held;
      held += 8;
      at += 1;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    held -= width;
    if (code === END) return output.bytes();
    if (code === CLEAR) {
      width = FIRST_WIDTH;
      next = END;
      last = NONE;
      continue;
    }
    if (code > next) return undefined;

    // Written backwards: an entry knows its last byte and what comes before. The code that is about to be made stands for
    // the last one and its own first byte.
    const inTheMaking = code === next && last !== NONE;
    let length = inTheMaking ? 1 : 0;
    let walk = inTheMaking ? last : code;
    for (; walk > END; walk = prefix[walk] ?? 0) {
      reversed[length] = suffix[walk] ?? 0;
      length += 1;
    }
    reversed[length] = walk;
    if (inTheMaking) reversed[0] = walk;
    if (!output.pushReversed(reversed, length + 1)) return undefined;

    if (last !== NONE) {
      prefix[next] = last;
      suffix[next] = walk;
    }
    last = code;
    next += 1;
    if (next < 1 << width) continue;
    if (width < LONGEST_WIDTH) width += 1;
    else {
      // The table is full: nothing is added until it is emptied.
      last = NONE;
      next -= 1;
    }
  }
}

class Output {
  readonly #longest: number;
  #buffer = new Uint8Array(1024);
  #length = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  pushReversed(reversed: Uint8Array, count: number): boolean {
    const end = this.#length + count;
    if (end > this.#longest) return false;
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(Math.max(2 * this.#buffer.length, end), this.#longest));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    for (let i = 1; i <= count; i += 1) this.#buffer[end - i] = reversed[i - 1] ?? 0;
    this.#length = end;
    return true;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}
