/**
 * The one door to pino. A line is one JSON object: `level`, `ts` (RFC 3339), `name`, `msg`, then the fields. Level names
 * are MetalLB's (`--log-level` all, debug, info, warn, error, none). Writing is synchronous and there are no transports: a
 * crash loses nothing, and a bundled program has no worker file to find.
 */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { UserError } from '../api/user-error.ts';
import type { Log, LogFields } from '../ports.ts';

const LEVELS: ReadonlyMap<string, string> = new Map([
  ['all', 'trace'],
  ['debug', 'debug'],
  ['info', 'info'],
  ['warn', 'warn'],
  ['error', 'error'],
  ['none', 'silent'],
]);

/** Values under these keys are never written, at the top of the fields or one level below. */
const SECRET_KEYS = [
  'token',
  'password',
  'authorization',
  'Authorization',
  'secret',
  'privateKey',
  'secretKey',
];

export interface LogOptions {
  /** One of all, debug, info, warn, error, none. Default info. */
  readonly level?: string | undefined;
  /** Which program speaks: `controller`, `speaker`, … */
  readonly name?: string | undefined;
  /** Default stdout. A stream receives whole lines, newline included. */
  readonly destination?: 'stdout' | 'stderr' | DestinationStream | undefined;
}

/**
 * The program's logger. Throws UserError for an unknown level. Fields named `error` that hold an Error are written with
 * type, message and stack.
 */
export function createLog(options: LogOptions = {}): Log {
  const name = options.level ?? 'info';
  const level = LEVELS.get(name);
  if (level === undefined) {
    throw new UserError(`log level "${name}" is unknown: use one of ${[...LEVELS.keys()].join(', ')}`);
  }
  const { destination = 'stdout' } = options;
  const stream =
    typeof destination === 'string' ? openStandard(destination === 'stdout' ? 1 : 2) : destination;
  return adapt(
    pino(
      {
        level,
        base: options.name === undefined ? {} : { name: options.name },
        timestamp: () => `,"ts":"${new Date().toISOString()}"`,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { error: pino.stdSerializers.err },
        redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
      },
      stream,
    ),
  );
}

/** A line that cannot be written (the disk is full) waits for the next one: nobody could be told, and work goes on. */
function openStandard(descriptor: 1 | 2): DestinationStream {
  const stream = pino.destination({ dest: descriptor, sync: true });
  stream.on('error', () => undefined);
  return stream;
}

function adapt(logger: Logger): Log {
  return {
    debug: (message: string, fields: LogFields = {}) => logger.debug(fields, message),
    info: (message: string, fields: LogFields = {}) => logger.info(fields, message),
    warn: (message: string, fields: LogFields = {}) => logger.warn(fields, message),
    error: (message: string, fields: LogFields = {}) => logger.error(fields, message),
    child: (fields) => adapt(logger.child(fields)),
  };
}
