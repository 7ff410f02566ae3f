/** LZW written as Go's compress/lzw writes it (least significant bit first, 8 bits a literal): what a member sends. */

export function packLzw(plain: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  let held = 0;
  let count = 0;
  const put = (code: number, width: number): void => {
    held |= code << count;
    for (count += width; count >= 8; count -= 8) {
      bytes.push(held & 0xff);
      held >>>= 8;
    }
  };
  let table = new Map<number, number>();
  let next = 257;
  let width = 9;
  const grow = (): void => {
    next += 1;
    if (next === 1 << width) width += 1;
    if (next === (1 << 12) - 1) {
      put(256, width);
      table = new Map();
      next = 257;
      width = 9;
    }
  };
  put(256, width);
  let code: number | undefined;
  for (const byte of plain) {
    const known = code === undefined ? byte : table.get(code * 256 + byte);
    if (known !== undefined) {
      code = known;
      continue;
    }
    const before = code ?? 0;
    put(before, width);
    const entry = next + 1;
    grow();
    if (next === entry) table.set(before * 256 + byte, entry);
    code = byte;
  }
  if (code !== undefined) {
    put(code, width);
    grow();
  }
  put(257, width);
  if (count > 0) bytes.push(held & 0xff);
  return Uint8Array.from(bytes);
}
