/** A classic BPF machine with the instructions a filter of ours may have: bytes of the frame that pass. */
export function runFilter(program: Uint8Array, frame: Uint8Array): number {
  const instructions = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let accumulator = 0;
  for (let counter = 0; counter * 8 < program.length; counter += 1) {
    const at = counter * 8;
    const constant = instructions.getUint32(at + 4, true);
    switch (instructions.getUint16(at, true)) {
      case 0x30: // load byte; outside the packet the kernel drops it
        if (constant + 1 > frame.length) return 0;
        accumulator = data.getUint8(constant);
        break;
      case 0x28: // load half word
        if (constant + 2 > frame.length) return 0;
        accumulator = data.getUint16(constant);
        break;
      case 0x20: // load word
        if (constant + 4 > frame.length) return 0;
        accumulator = data.getUint32(constant);
        break;
      case 0x15: // jump if equal
        counter += instructions.getUint8(accumulator === constant ? at + 2 : at + 3);
        break;
      case 0x06: // return
        return constant;
      default:
        throw new Error(`instruction ${counter} is unknown`);
    }
  }
  throw new Error('the program has no end');
}
