/** watch: the changes of a resource as they happen, from a resourceVersion on, filtered as a list would be. */
import type { Definition, Stored } from '../definition.ts';
import type { ApiError } from '../definition.ts';
import { expired } from '../errors.ts';
import { inVersion, presentTable } from '../present.ts';
import type { Presentation } from '../present.ts';
import type { Matcher } from '../selectors.ts';
import { parseSelectors } from '../selectors.ts';
import type { Change } from '../storage.ts';
import type { Call, Machinery } from './call.ts';
import { booleanOf, countOf } from './call.ts';
import { parseRevision } from './read.ts';

/** Where events go: one JSON text each. */
export interface WatchSink {
  /** One of the events that tell what there is; however many they are, the watcher is not too slow for them. */
  sendInitial(event: { type: string; object: unknown }): void;
  send(event: { type: string; object: unknown }): void;
  end(): void;
}

/** How often a watch that wants bookmarks is told how far the server is. */
const BOOKMARK_EVERY_MS = 60_000;
/** How long a watch lives that does not say. */
const DEFAULT_TIMEOUT_SECONDS = 1_800;
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * Starts a watch; gives the way to stop it without a word (the client went away). Where it ends by itself (time is up, the past
 * it asks for is forgotten) the sink is ended.
 */
export function watch(
  machinery: Machinery,
  call: Call,
  presentation: () => Presentation,
  sink: WatchSink,
): () => void {
  const { storage, clock } = machinery;
  const { definition, query } = call;
  const matches = matcherOf(call);
  const bookmarks = booleanOf(query, 'allowWatchBookmarks');
  const initial = booleanOf(query, 'sendInitialEvents');
  const revision = parseRevision(query.get('resourceVersion'));
  const timeoutSeconds = countOf(query, 'timeoutSeconds') ?? 0;

  let sentColumns = false;
  const eventWith = (type: string, object: Stored): { type: string; object: unknown } => {
    const shown = presentEvent(presentation(), object, !sentColumns);
    sentColumns = true;
    return { type, object: shown };
  };
  const fromNow = initial || revision === undefined || revision === 0;
  if (fromNow) {
    for (const object of storage.list(definition.resource))
      if (matches(object)) sink.sendInitial(eventWith('ADDED', object));
    if (initial && bookmarks) {
      sink.send({
        type: 'BOOKMARK',
        object: bookmark(definition, storage.revision, { [INITIAL_EVENTS_END]: 'true' }),
      });
    }
  }
  const from = fromNow ? storage.revision : revision;
  const stop =
    from > storage.revision
      ? undefined
      : storage.watch(definition.resource, from, (change) => {
          const event = eventOf(change, matches);
          if (event !== undefined) sink.send(eventWith(event, lastSight(change, event)));
        });
  if (stop === undefined) {
    sink.send({ type: 'ERROR', object: tooOld(from, storage.compacted).status });
    sink.end();
    return () => undefined;
  }

  let cancelBookmark = (): void => undefined;
  const scheduleBookmark = (): void => {
    cancelBookmark = clock.after(BOOKMARK_EVERY_MS, () => {
      sink.send({ type: 'BOOKMARK', object: bookmark(definition, storage.revision, undefined) });
      scheduleBookmark();
    });
  };
  if (bookmarks) scheduleBookmark();
  const cancelTimeout = clock.after((timeoutSeconds || DEFAULT_TIMEOUT_SECONDS) * 1000, () => {
    if (bookmarks) sink.send({ type: 'BOOKMARK', object: bookmark(definition, storage.revision, undefined) });
    stopAll();
    sink.end();
  });
  const stopAll = (): void => {
    stop();
    cancelBookmark();
    cancelTimeout();
  };
  return stopAll;
}

function matcherOf({ definition, namespace, query }: Call): Matcher {
  const selects = parseSelectors(definition, query.get('labelSelector'), query.get('fieldSelector'));
  return (object) => (namespace === undefined || object.metadata.namespace === namespace) && selects(object);
}

/** What a change is to somebody who sees only what matches: an object may come into sight or leave it. */
function eventOf({ type, object, previous }: Change, matches: Matcher): string | undefined {
  const before = previous !== undefined && matches(previous);
  const after = type !== 'deleted' && matches(object);
  if (before) return after ? 'MODIFIED' : 'DELETED';
  return after ? 'ADDED' : undefined;
}

/** An object that leaves the sight of a watch is shown as it last was in it, with the revision of the change. */
function lastSight({ type, object, previous }: Change, event: string): Stored {
  if (event !== 'DELETED' || type === 'deleted' || previous === undefined) return object;
  const { resourceVersion } = object.metadata;
  return {
    ...previous,
    metadata: { ...previous.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
  };
}

function presentEvent(presentation: Presentation, object: Stored, withColumns: boolean): unknown {
  const { definition, form } = presentation;
  if (form === 'table') {
    const { resourceVersion = '' } = object.metadata;
    return presentTable(presentation, [object], { resourceVersion }, withColumns);
  }
  const shown = inVersion(definition, object);
  if (form === 'object') return shown;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: shown.metadata };
}

function bookmark(
  definition: Definition,
  revision: number,
  annotations: Record<string, string> | undefined,
): Stored {
  return inVersion(definition, {
    metadata: { resourceVersion: String(revision), ...(annotations === undefined ? {} : { annotations }) },
  });
}

/** Of the future is as good as too old: it stems from another life of this server. Both times the client lists again. */
function tooOld(asked: number, compacted: number): ApiError {
  return expired(`too old resource version: ${asked} (${compacted})`);
}
