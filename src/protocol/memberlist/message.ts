/**
 * The member list of hashicorp/memberlist, by which MetalLB's speakers know who of them is alive (SWIM with Lifeguard), as
 * pure code. One file for each layer of the wire, from the inside out: MessagePack (msgpack.ts), single messages (this
 * file), datagrams (packet.ts) and streams (stream.ts) with compression (lzw.ts) and secrecy (secrecy.ts); then the state
 * machine: member-list.ts and what it is made of. Sockets are platform/gossip-sockets.ts.
 *
 * What must hold: no bytes make anything here throw, or grow beyond a bound; and every decision follows from the messages,
 * the times and the random numbers that are handed in, so that whole clusters run in a test.
 *
 * The numbers and names below are the library's (net.go of v0.5.1, protocol versions 1 to 5).
 */
import { decodeMap, encodeMap } from './msgpack.ts';
import type { MapDecoded, Scalar } from './msgpack.ts';

const PING = 0;
const INDIRECT_PING = 1;
const ACK = 2;
const SUSPECT = 3;
const ALIVE = 4;
const DEAD = 5;
export const PUSH_PULL = 6;
export const COMPOUND = 7;
export const USER = 8;
export const COMPRESSED = 9;
export const ENCRYPTED = 10;
const NACK = 11;
export const CHECKSUMMED = 12;
export const ERROR = 13;
export const LABELLED = 244;

/** Whom to answer. Without it the answer goes where the datagram came from. */
export interface Source {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
  readonly node: string;
}

export interface Ping {
  readonly type: 'ping';
  readonly seqNo: number;
  /** Who is meant; '' is whoever hears it. */
  readonly node: string;
  readonly source?: Source;
}

export interface IndirectPing {
  readonly type: 'indirectPing';
  readonly seqNo: number;
  readonly target: Uint8Array;
  readonly port: number;
  readonly node: string;
  /** Answer even where the target does not. */
  readonly nack: boolean;
  readonly source?: Source;
}

export interface Ack {
  readonly type: 'ack';
  readonly seqNo: number;
}

export interface Nack {
  readonly type: 'nack';
  readonly seqNo: number;
}

/** `suspect`: `from` got no answer. `dead`: nobody did; from the node itself: it left. */
export interface Accusation {
  readonly type: 'suspect' | 'dead';
  readonly incarnation: number;
  readonly node: string;
  readonly from: string;
}

export interface Alive {
  readonly type: 'alive';
  readonly incarnation: number;
  readonly node: string;
  /** 4 or 16 bytes, kept as they came: peers compare bytes. */
  readonly address: Uint8Array;
  readonly port: number;
  readonly meta: Uint8Array;
  /** Protocol min, max and current, delegate min, max and current. */
  readonly versions: Uint8Array;
}

export interface User {
  readonly type: 'user';
  readonly payload: Uint8Array;
}

export type Message = Ping | IndirectPing | Ack | Nack | Accusation | Alive | User;

/** The order is that of the numbers on the wire. */
export const NODE_STATES = ['alive', 'suspect', 'dead', 'left'] as const;
export type NodeState = (typeof NODE_STATES)[number];

/** One row of a push/pull exchange. */
export interface NodeRow extends Omit<Alive, 'type'> {
  readonly state: NodeState;
}

const EMPTY = new Uint8Array();
const VERSIONS_LENGTH = 6;
const UINT32_MAX = 0xffff_ffff;
const PORT_MAX = 0xffff;
/** Longest name of a node and of a Kubernetes object alike, with room to spare. */
const LONGEST_NAME = 1024;

/** The message with its type byte; what a datagram or a compound message is made of. */
export function encodeMessage(message: Message): Uint8Array {
  switch (message.type) {
    case 'ping':
      return encodeMap(PING, { SeqNo: message.seqNo, Node: message.node, ...sourceFields(message.source) });
    case 'indirectPing':
      return encodeMap(INDIRECT_PING, {
        SeqNo: message.seqNo,
        Target: message.target,
        Port: message.port,
        Node: message.node,
        Nack: message.nack,
        ...sourceFields(message.source),
      });
    case 'ack':
      return encodeMap(ACK, { SeqNo: message.seqNo, Payload: null });
    case 'nack':
      return encodeMap(NACK, { SeqNo: message.seqNo });
    case 'suspect':
    case 'dead': {
      const { type, incarnation: Incarnation, node: Node, from: From } = message;
      return encodeMap(type === 'suspect' ? SUSPECT : DEAD, { Incarnation, Node, From });
    }
    case 'alive':
      return encodeMap(ALIVE, { Node: message.node, ...aliveFields(message) });
    case 'user': {
      const bytes = new Uint8Array(1 + message.payload.length);
      bytes[0] = USER;
      bytes.set(message.payload, 1);
      return bytes;
    }
  }
}

/** Reads one message, type byte first; undefined for whatever is none of them. */
export function decodeMessage(bytes: Uint8Array): Message | undefined {
  const [type] = bytes;
  if (type === USER) return { type: 'user', payload: bytes.subarray(1) };
  const decoded = decodeMap(bytes, 1);
  return decoded.kind === 'map' && type !== undefined ? messageOf(type, decoded.fields) : undefined;
}

/** A message from the fields of its map. */
export function messageOf(type: number, fields: Fields): Message | undefined {
  const it = new FieldReader(fields);
  const message = readMessage(type, it);
  return it.ok ? message : undefined;
}

function readMessage(type: number, it: FieldReader): Message | undefined {
  switch (type) {
    case PING:
      return { type: 'ping', seqNo: it.uint('SeqNo'), node: it.text('Node'), ...it.source() };
    case INDIRECT_PING:
      return {
        type: 'indirectPing',
        seqNo: it.uint('SeqNo'),
        target: it.bytes('Target'),
        port: it.uint('Port', PORT_MAX),
        node: it.text('Node'),
        nack: it.boolean('Nack'),
        ...it.source(),
      };
    case ACK:
      return { type: 'ack', seqNo: it.uint('SeqNo') };
    case NACK:
      return { type: 'nack', seqNo: it.uint('SeqNo') };
    case SUSPECT:
    case DEAD:
      return {
        type: type === SUSPECT ? 'suspect' : 'dead',
        incarnation: it.uint('Incarnation'),
        node: it.text('Node'),
        from: it.text('From'),
      };
    case ALIVE:
      return { type: 'alive', node: it.text('Node'), ...it.alive() };
    default:
      return undefined;
  }
}

/** A row of a push/pull exchange as it stands on the wire. */
export function encodeNodeRow(row: NodeRow): Uint8Array {
  return encodeMap(undefined, { Name: row.node, State: NODE_STATES.indexOf(row.state), ...aliveFields(row) });
}

export function nodeRowOf(fields: Fields): NodeRow | undefined {
  const it = new FieldReader(fields);
  const state = NODE_STATES[it.uint('State')];
  const row = { node: it.text('Name'), ...it.alive() };
  return it.ok && state !== undefined ? { ...row, state } : undefined;
}

type Fields = Extract<MapDecoded, { kind: 'map' }>['fields'];

function aliveFields(it: Omit<Alive, 'type'>): Record<string, Scalar> {
  return {
    Incarnation: it.incarnation,
    Addr: it.address,
    Port: it.port,
    Meta: it.meta.length === 0 ? null : it.meta,
    Vsn: it.versions,
  };
}

function sourceFields(source: Source | undefined): Record<string, Scalar> {
  if (source === undefined) return {};
  return { SourceAddr: source.address, SourcePort: source.port, SourceNode: source.node };
}

/** Reads fields as Go does: what is missing or nil is zero. A field of another type makes all of it wrong. */
export class FieldReader {
  readonly #fields: Fields;
  ok = true;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  uint(name: string, max = UINT32_MAX): number {
    const value = this.#fields.get(name) ?? 0;
    if (typeof value === 'number' && value >= 0 && value <= max) return value;
    this.ok = false;
    return 0;
  }

  boolean(name: string): boolean {
    const value = this.#fields.get(name) ?? false;
    if (typeof value === 'boolean') return value;
    this.ok = false;
    return false;
  }

  bytes(name: string): Uint8Array {
    const value = this.#fields.get(name) ?? EMPTY;
    if (value instanceof Uint8Array) return value;
    this.ok = false;
    return EMPTY;
  }

  text(name: string): string {
    const bytes = this.bytes(name);
    const text = bytes.length > LONGEST_NAME ? undefined : parseUtf8(bytes);
    if (text !== undefined) return text;
    this.ok = false;
    return '';
  }

  source(): { source?: Source } {
    const source = {
      address: this.bytes('SourceAddr'),
      port: this.uint('SourcePort', PORT_MAX),
      node: this.text('SourceNode'),
    };
    return isIp(source.address) && source.port !== 0 ? { source } : {};
  }

  alive(): Omit<Alive, 'type' | 'node'> {
    const versions = this.bytes('Vsn');
    const address = this.bytes('Addr');
    const wellFormed = versions.length === 0 || versions.length >= VERSIONS_LENGTH;
    this.ok &&= isIp(address) && wellFormed;
    return {
      incarnation: this.uint('Incarnation'),
      address,
      port: this.uint('Port', PORT_MAX),
      meta: this.bytes('Meta'),
      versions:
        versions.length === 0 ? new Uint8Array(VERSIONS_LENGTH) : versions.subarray(0, VERSIONS_LENGTH),
    };
  }
}

function isIp({ length }: Uint8Array): boolean {
  return length === 4 || length === 16;
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Undefined for what is not UTF-8: two such names could look the same. */
function parseUtf8(bytes: Uint8Array): string | undefined {
  const text = utf8.decode(bytes);
  return text.includes('\uFFFD') ? undefined : text;
}
