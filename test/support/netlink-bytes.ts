/** rtnetlink messages as the kernel writes them (man 7 rtnetlink), little endian. */

const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

export function message(type: number, body: Buffer, { flags = 0, sequence = 7 } = {}): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(sequence, 8);
  return pad(Buffer.concat([header, body]));
}

export function attribute(type: number, value: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(4 + value.length, 0);
  header.writeUInt16LE(type, 2);
  return pad(Buffer.concat([header, value]));
}

/** struct ifinfomsg */
export function linkHeader({ family = 0, hardware = 1, index = 3, flags = 0x1_1043 } = {}): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt8(family, 0);
  header.writeUInt16LE(hardware, 2);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  return header;
}
