/**
 * The sockets of a member list: datagrams and connections on one port. What they say is decoded here and handed on; what
 * cannot be is counted by its sender, and nothing of it throws.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Startable } from '../ports.ts';
import type { Endpoint } from '../protocol/memberlist/endpoint.ts';
import type { Message, NodeRow, Ping } from '../protocol/memberlist/message.ts';
import type { Circle } from '../protocol/memberlist/packet.ts';
import { decodePacket, encodePacket } from '../protocol/memberlist/packet.ts';
import { encodeStream, StreamDecoder } from '../protocol/memberlist/stream.ts';
import type { StreamFault, StreamMessage } from '../protocol/memberlist/stream.ts';
import { DatagramSocket } from './datagram-socket.ts';

/** What is done with what comes in. */
export interface GossipHandler {
  /** Of one datagram. */
  receive(messages: readonly Message[], from: Endpoint): void;
  /** Somebody exchanges what it knows: take it, and answer with what was known before. */
  exchange(rows: readonly NodeRow[], from: Endpoint): readonly NodeRow[];
  /** Whether a ping is for this member. */
  isMeant(ping: Ping): boolean;
  /** Somebody does not belong to the circle, or talks nonsense. */
  refuse(why: StreamFault | 'checksum', from: Endpoint): void;
}

export interface GossipSocketsOptions {
  /** Where others find this member; an IP address of this machine. */
  readonly endpoint: Endpoint;
  /** Where to listen, if not there: `0.0.0.0` or `::`. */
  readonly listenAddress?: string;
  readonly circle: Circle;
  readonly streamTimeoutMs: number;
}

/** A connection to see whether somebody is there is not waited for longer. */
const CONTACT_TIMEOUT_MS = 1000;
/** memberlist's own bound for exchanges at the same time. */
const MOST_CONNECTIONS = 128;

export class GossipSockets implements Startable {
  readonly #options: GossipSocketsOptions;
  readonly #handler: GossipHandler;
  readonly #server: Server;
  #datagrams: DatagramSocket | undefined;
  readonly #connections = new Set<Socket>();
  #open = false;

  constructor(options: GossipSocketsOptions, handler: GossipHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /** Rejects with a sentence where the port cannot be had. */
  async start(): Promise<void> {
    const { port } = this.#options.endpoint;
    const host = this.#options.listenAddress ?? this.#options.endpoint.address;
    try {
      const listening = once(this.#server, 'listening');
      this.#server.listen({ host, port, ipv6Only: true });
      await listening;
      this.#datagrams = new DatagramSocket({ address: host, port });
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      await this.stop();
      throw new Error(
        `the member list cannot listen on ${host} port ${port} (${code}); end what does, or choose another with --ml-bindaddr and --ml-bindport`,
        { cause: error },
      );
    }
    this.#server.unref();
    this.#datagrams.onDatagram((bytes, from) => this.#receive(bytes, from));
    this.#open = true;
  }

  async stop(): Promise<void> {
    this.#open = false;
    for (const socket of this.#connections) socket.destroy();
    this.#datagrams?.close();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  send(to: Endpoint, message: Uint8Array, checksummed: boolean): void {
    if (!this.#open) return;
    const bytes = encodePacket(message, this.#options.circle, checksummed);
    this.#datagrams?.send(bytes, to);
  }

  /** What the other side knows; undefined where it does not say. */
  async exchange(
    to: Endpoint,
    rows: readonly NodeRow[],
    join: boolean,
  ): Promise<readonly NodeRow[] | undefined> {
    const answer = await this.#ask(to, { type: 'pushPull', join, rows }, this.#options.streamTimeoutMs);
    return answer?.type === 'pushPull' ? answer.rows : undefined;
  }

  /** True where it is answered in time. */
  async ping(to: Endpoint, ping: Ping, timeoutMs: number): Promise<boolean> {
    const answer = await this.#ask(to, ping, timeoutMs);
    return answer?.type === 'ack' && answer.seqNo === ping.seqNo;
  }

  /** Opens a connection, as the kernel of the other side sees fit, and closes it. */
  contact(to: Endpoint): Promise<'accepted' | 'refused' | 'silent'> {
    return new Promise((resolve) => {
      const socket = this.#connect(to, CONTACT_TIMEOUT_MS);
      let outcome: 'accepted' | 'refused' | 'silent' = 'silent';
      socket.on('connect', () => {
        outcome = 'accepted';
        socket.destroy();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') outcome = 'refused';
      });
      socket.on('close', () => resolve(outcome));
    });
  }

  #receive(bytes: Uint8Array, from: Endpoint): void {
    const decoded = decodePacket(bytes, this.#options.circle);
    if (decoded.kind === 'refused') this.#handler.refuse(decoded.why, from);
    else {
      if (decoded.dropped > 0) this.#handler.refuse('malformed', from);
      this.#handler.receive(decoded.messages, from);
    }
  }

  #ask(to: Endpoint, question: StreamMessage, timeoutMs: number): Promise<StreamMessage | undefined> {
    return new Promise((resolve) => {
      const socket = this.#connect(to, timeoutMs);
      let answer: StreamMessage | undefined;
      this.#read(socket, to, (message) => {
        answer = message;
        socket.destroy();
      });
      socket.on('close', () => resolve(answer));
      socket.write(encodeStream(question, this.#options.circle, true));
    });
  }

  #accept(socket: Socket): void {
    const from = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    this.#track(socket, this.#options.streamTimeoutMs);
    this.#read(socket, from, (message) => {
      const answer = this.#answer(message, from);
      if (answer !== undefined) socket.write(encodeStream(answer, this.#options.circle, false));
      socket.end();
    });
    socket.on('error', () => undefined);
  }

  #answer(message: StreamMessage, from: Endpoint): StreamMessage | undefined {
    if (message.type === 'ping' && this.#handler.isMeant(message))
      return { type: 'ack', seqNo: message.seqNo };
    if (message.type !== 'pushPull') return undefined;
    return { type: 'pushPull', join: message.join, rows: this.#handler.exchange(message.rows, from) };
  }

  /** Calls back with the first message; ends the connection where there is none. */
  #read(socket: Socket, peer: Endpoint, heard: (message: StreamMessage) => void): void {
    const decoder = new StreamDecoder(this.#options.circle);
    let done = false;
    socket.on('data', (chunk) => {
      if (done) return;
      const decoded = decoder.push(chunk);
      if (decoded.kind === 'more') return;
      done = true;
      if (decoded.kind === 'message') heard(decoded.message);
      else {
        this.#handler.refuse(decoded.why, peer);
        socket.destroy();
      }
    });
  }

  #connect(to: Endpoint, timeoutMs: number): Socket {
    const socket = connect({ host: to.address, port: to.port, noDelay: true });
    this.#track(socket, timeoutMs);
    socket.on('error', () => undefined);
    return socket;
  }

  /** It ends after so long, whatever happens: trickling is no life. */
  #track(socket: Socket, timeoutMs: number): void {
    this.#connections.add(socket);
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    timer.unref();
    socket.unref();
    socket.on('close', () => {
      clearTimeout(timer);
      this.#connections.delete(socket);
    });
  }
}
