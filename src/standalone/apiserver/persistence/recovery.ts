/**
 * Reads a data directory back: the older of its two snapshots, and every log from there on. The newer snapshot would do for the
 * state; the older one gives watches a past to resume from.
 *
 * A log may end in the middle of a change: the process or the machine went down while it was written, and nobody had been
 * answered. That tail is cut off. It is told from damage by the marks: each says up to where the file was on disk when
 * it was written, so a broken place that a later mark covers was whole once. Damage is refused, with the place and the remedy.
 */
import type { JsonObject } from '../schema/schema.ts';
import { findFrames, readFrames } from './frame.ts';
import { fileName, headFault, parseChange, parseFileName, parseItem, parseSynced } from './records.ts';
import type { Item, LoggedChange } from './records.ts';

/** What was before this life of the server. */
export interface Past {
  /** The state that history starts from has this revision. */
  readonly revision: number;
  /** In the order they were stored in. */
  readonly items: readonly Item[];
  /** What happened since, one revision each. */
  readonly changes: readonly LoggedChange[];
}

export interface Recovered {
  readonly ok: true;
  readonly past: Past;
  readonly snapshotBytes: number;
  /** The log to go on with. 0 bytes where it is not there or its head was torn. */
  readonly log: { readonly revision: number; readonly bytes: number; readonly tornBytes: number };
}

export interface Damage {
  readonly ok: false;
  readonly file: string;
  readonly offset: number;
  /** Ends a sentence that begins with the place. */
  readonly why: string;
  /** An order: `restore it from a backup`. */
  readonly remedy: string;
}

/** undefined where there is nothing of ours yet. `read` gives the content of one of the names. Never throws by itself. */
export function recover(
  names: readonly string[],
  read: (name: string) => Buffer,
): Recovered | Damage | undefined {
  const files = names.flatMap((name) => parseFileName(name) ?? []);
  const revisionsOf = (kind: string): number[] =>
    files
      .filter((file) => file.kind === kind)
      .map(({ revision }) => revision)
      .sort((a, b) => a - b);
  const [oldest, ...newer] = revisionsOf('snapshot');
  const allLogs = revisionsOf('log');
  if (oldest === undefined) {
    const [log] = allLogs;
    if (log === undefined) return undefined;
    const why = `it continues ${fileName('snapshot', log)}, which is not there`;
    return damage(fileName('log', log), 0, why, 'restore that file, or the whole directory, from a backup');
  }
  const snapshotName = fileName('snapshot', oldest);
  const snapshot = read(snapshotName);
  const items = readSnapshot(snapshot, snapshotName, oldest, newer[0]);
  if (!Array.isArray(items)) return items as Damage;

  // A log is begun before its snapshot; only the snapshot of nothing is older than its log.
  const missing = [...(items.length === 0 ? [] : [oldest]), ...newer].find(
    (revision) => !allLogs.includes(revision),
  );
  if (missing !== undefined) {
    const why = `${fileName('log', missing)}, which continues it, is not there`;
    return damage(
      fileName('snapshot', missing),
      0,
      why,
      'restore that file, or the whole directory, from a backup',
    );
  }

  const changes: LoggedChange[] = [];
  const logs = allLogs.filter((revision) => revision >= oldest);
  let reached = oldest;
  let log = { revision: oldest, bytes: 0, tornBytes: 0 };
  for (const revision of logs) {
    const name = fileName('log', revision);
    if (revision !== reached)
      return damage(name, 0, `it continues revision ${revision}, and what is before it ends at ${reached}`, {
        from: newer.find((candidate) => candidate >= revision),
      });
    const bytes = read(name);
    const outcome = readLog(bytes, name, revision, revision === logs.at(-1), changes, newer);
    if (typeof outcome !== 'number') return outcome;
    reached = changes.at(-1)?.revision ?? oldest;
    log = { revision, bytes: outcome, tornBytes: bytes.length - outcome };
  }
  if ((newer.at(-1) ?? 0) > reached) {
    const name = fileName('snapshot', newer.at(-1) ?? 0);
    return damage(name, 0, `the logs before it end at revision ${reached}`, { from: newer.at(-1) });
  }
  return { ok: true, past: { revision: oldest, items, changes }, snapshotBytes: snapshot.length, log };
}

function readSnapshot(
  bytes: Buffer,
  name: string,
  revision: number,
  newer: number | undefined,
): Item[] | Damage {
  const items: Item[] = [];
  let next = 0;
  const broken = (why: string): Damage => damage(name, next, why, { from: newer });
  for (const { offset, end, payload } of readFrames(bytes)) {
    next = offset;
    if (offset === 0) {
      const fault = headFault(payload, 'snapshot', revision);
      if (fault !== undefined) return broken(fault);
    } else {
      const item = parseItem(payload);
      if (item === undefined)
        return payload['items'] === items.length && end === bytes.length
          ? items
          : broken('it is neither an object nor the end of this snapshot');
      items.push(item);
    }
    next = end;
  }
  return broken(bytes.length === next ? 'the snapshot ends too early' : 'the checksum does not fit');
}

/** Adds the changes of one log. Gives the length of what is whole. */
function readLog(
  bytes: Buffer,
  name: string,
  base: number,
  last: boolean,
  changes: LoggedChange[],
  snapshots: readonly number[],
): number | Damage {
  let revision = base;
  let whole = 0;
  const broken = (why: string): Damage => {
    const from = snapshots.find((candidate) => candidate > base);
    return from === undefined && last
      ? damage(
          name,
          whole,
          why,
          `restore the directory from a backup; to lose this change and all that came after it instead, run: truncate -s ${whole} ${name}`,
        )
      : damage(name, whole, why, { from });
  };
  for (const { offset, end, payload } of readFrames(bytes)) {
    const outcome = offset === 0 ? headFault(payload, 'log', base) : readChange(payload, revision);
    if (typeof outcome === 'string') return broken(outcome);
    if (outcome !== undefined) {
      changes.push(outcome);
      revision = outcome.revision;
    }
    whole = end;
  }
  if (whole === bytes.length && (last || whole > 0)) return whole;
  return !last || wasOnDisk(bytes, whole) ? broken('the checksum does not fit') : whole;
}

/** Whether a later mark says that the file was on disk beyond this offset. */
function wasOnDisk(bytes: Buffer, offset: number): boolean {
  for (const { payload } of findFrames(bytes, offset + 1))
    if ((parseSynced(payload) ?? 0) > offset) return true;
  return false;
}

/** undefined for a mark; the reason in words where it is neither that nor the next change. */
function readChange(payload: JsonObject, revision: number): LoggedChange | string | undefined {
  if (parseSynced(payload) !== undefined) return undefined;
  const change = parseChange(payload);
  if (change === undefined) return 'it is no change';
  return change.revision === revision + 1
    ? change
    : `revision ${change.revision} follows ${revision}: changes between them are missing`;
}

/** `from`: the newer snapshot that makes everything before it needless, where there is one. */
function damage(
  file: string,
  offset: number,
  why: string,
  remedy: string | { from: number | undefined },
): Damage {
  const text =
    typeof remedy === 'string'
      ? remedy
      : remedy.from === undefined
        ? 'restore the directory from a backup'
        : `${fileName('snapshot', remedy.from)} holds the state after it: move every snapshot and log with a smaller number away; nothing is lost but the past of watches`;
  return { ok: false, file, offset, why, remedy: text };
}
