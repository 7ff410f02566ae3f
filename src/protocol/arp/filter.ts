/**
 * The classic BPF program (Linux Documentation/networking/filter.rst) that makes the kernel drop every ARP frame but
 * requests for our addresses. Without it a storm of foreign requests costs as much as if all were ours.
 */
import { OPERATION_OFFSET, REQUEST, TARGET_IP_OFFSET } from './frame.ts';
import type { Ipv4 } from './frame.ts';

// Instruction codes of linux/bpf_common.h: class | size | mode.
const LOAD_HALF_WORD = 0x28; // BPF_LD | BPF_H | BPF_ABS
const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

/** Bytes of a frame that are passed on; more than any ARP message has. */
const SNAP_LENGTH = 128;
const DROP = 0;
/** Two instructions an address, and the kernel takes 4096 in all (BPF_MAXINSNS). */
const MAX_ADDRESSES = 2000;

/**
 * A program for SO_ATTACH_FILTER on a packet socket: 8 bytes an instruction, in this machine's (little endian) order.
 * For 'any' address, or more than 2000, it lets all requests through, and the reader decides alone.
 */
export function encodeArpFilter(addresses: readonly Ipv4[] | 'any'): Uint8Array {
  const program: Instruction[] = [
    [LOAD_HALF_WORD, 0, 0, OPERATION_OFFSET],
    [JUMP_IF_EQUAL, 1, 0, REQUEST],
    [RETURN, 0, 0, DROP],
  ];
  if (addresses === 'any' || addresses.length > MAX_ADDRESSES) {
    program.push([RETURN, 0, 0, SNAP_LENGTH]);
  } else {
    program.push([LOAD_WORD, 0, 0, TARGET_IP_OFFSET]);
    for (const address of addresses)
      program.push([JUMP_IF_EQUAL, 0, 1, address], [RETURN, 0, 0, SNAP_LENGTH]);
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
