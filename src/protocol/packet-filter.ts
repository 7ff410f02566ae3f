/**
 * Classic BPF programs (Linux Documentation/networking/filter.rst) that make the kernel drop every frame but requests for our
 * addresses. Without them a storm of foreign requests costs as much as if all were ours.
 */

// Instruction codes of linux/bpf_common.h: class | size | mode.
const LOAD_BYTE = 0x30; // BPF_LD | BPF_B | BPF_ABS
const LOAD_HALF_WORD = 0x28; // BPF_LD | BPF_H | BPF_ABS
const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

/** Bytes of a frame that are passed on; more than any request we answer needs. */
const SNAP_LENGTH = 256;
const DROP = 0;
/** Two instructions an address, and the kernel takes 4096 in all (BPF_MAXINSNS). */
const MAX_TARGETS = 2000;

/** A number that a frame must have, big endian, at `offset` from its start. */
export interface FrameCheck {
  readonly offset: number;
  readonly bytes: 1 | 2;
  readonly equals: number;
}

/** What passes: frames that meet all `checks` and have one of `targets`, 32 bits, at `targetOffset`. */
export interface FrameFilter {
  readonly checks: readonly FrameCheck[];
  readonly targetOffset: number;
  /** For 'any', or more than 2000, the target does not matter, and the reader decides alone. */
  readonly targets: readonly number[] | 'any';
}

/** A program for SO_ATTACH_FILTER on a packet socket: 8 bytes an instruction, in this machine's (little endian) order. */
export function encodePacketFilter({ checks, targetOffset, targets }: FrameFilter): Uint8Array {
  const program: Instruction[] = checks.flatMap(({ offset, bytes, equals }): Instruction[] => [
    [bytes === 1 ? LOAD_BYTE : LOAD_HALF_WORD, 0, 0, offset],
    [JUMP_IF_EQUAL, 1, 0, equals],
    [RETURN, 0, 0, DROP],
  ]);
  if (targets === 'any' || targets.length > MAX_TARGETS) {
    program.push([RETURN, 0, 0, SNAP_LENGTH]);
  } else {
    program.push([LOAD_WORD, 0, 0, targetOffset]);
    for (const target of targets) program.push([JUMP_IF_EQUAL, 0, 1, target], [RETURN, 0, 0, SNAP_LENGTH]);
    program.push([RETURN, 0, 0, DROP]);
  }
  return encodeProgram(program);
}

/** struct sock_filter: code, instructions to skip when true and when false, constant. */
type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, constant: number];

function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [i, [code, whenTrue, whenFalse, constant]] of program.entries()) {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, whenTrue);
    view.setUint8(i * 8 + 3, whenFalse);
    view.setUint32(i * 8 + 4, constant, true);
  }
  return bytes;
}
