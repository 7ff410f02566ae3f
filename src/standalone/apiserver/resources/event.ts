/**
 * core/v1 Event: what kubectl events and describe read and what Cleat and MetalLB write. (The view events.k8s.io/v1 of the
 * same objects is not served.) Old ones go as new ones come, so nothing has to run for it.
 */
import { EVENTS } from '../../../api/kubernetes.ts';
import type { Event } from '../../../api/kubernetes.ts';
import type { Column, Definition, Schema, ServerState, Stored, Strategy } from '../definition.ts';
import { INT32, NAME, object, OBJECT_REFERENCE, TEXT, textColumn, TIME } from './parts.ts';

/** As kube-apiserver's --event-ttl. */
const LIFETIME_MS = 3_600_000;
const MOST_EVENTS = 10_000;

interface StoredEvent extends Event {
  eventTime?: string | null;
  series?: { count?: number; lastObservedTime?: string };
  action?: string;
}

const MICRO_TIME: Schema = { ...TIME, nullable: true };

const SCHEMA: Schema = object(
  {
    involvedObject: OBJECT_REFERENCE,
    reason: TEXT,
    message: TEXT,
    source: object({ component: TEXT, host: TEXT }),
    firstTimestamp: MICRO_TIME,
    lastTimestamp: MICRO_TIME,
    count: INT32,
    type: TEXT,
    eventTime: MICRO_TIME,
    series: object({ count: INT32, lastObservedTime: TIME }),
    action: TEXT,
    related: OBJECT_REFERENCE,
    reportingComponent: TEXT,
    reportingInstance: TEXT,
  },
  ['involvedObject'],
);

const asEvent = (stored: Stored): StoredEvent => stored as unknown as StoredEvent;

/** `discard` removes an event from the store. */
export function eventDefinition(state: ServerState, discard: (event: Stored) => void): Definition {
  return {
    resource: EVENTS,
    listKind: 'EventList',
    singular: 'event',
    shortNames: ['ev'],
    categories: [],
    hasStatus: false,
    hasGeneration: false,
    schema: SCHEMA,
    columns: [
      dateColumn(
        'Last Seen',
        (event) => event.series?.lastObservedTime ?? event.lastTimestamp ?? firstSeen(event),
      ),
      textColumn('Type', (stored) => asEvent(stored).type ?? ''),
      textColumn('Reason', (stored) => asEvent(stored).reason ?? ''),
      textColumn('Object', (stored) => formatTarget(asEvent(stored))),
      textColumn('Subobject', (stored) => fieldPathOf(asEvent(stored)), 1),
      textColumn('Source', (stored) => formatSource(asEvent(stored)), 1),
      textColumn('Message', (stored) => asEvent(stored).message?.trim() ?? ''),
      dateColumn('First Seen', firstSeen, 1),
      {
        name: 'Count',
        type: 'string',
        priority: 1,
        cell: (stored) => asEvent(stored).series?.count ?? asEvent(stored).count ?? 1,
      },
      { ...NAME, priority: 1 },
    ],
    strategy: eventStrategy(state, discard),
    custom: false,
  };
}

function eventStrategy(state: ServerState, discard: (event: Stored) => void): Strategy {
  /** When each event was last written, oldest first. */
  const written = new Map<string, { event: Stored; atMs: number }>();
  return {
    setDefaults: (stored) => {
      stored['eventTime'] ??= null;
      stored['reportingComponent'] ??= '';
      stored['reportingInstance'] ??= '';
    },
    validate: (stored) => {
      const { namespace: about = '' } = asEvent(stored).involvedObject;
      const { namespace } = stored.metadata;
      // Events of cluster-scoped objects are kept in namespace default.
      if (about === namespace || (about === '' && namespace === 'default')) return [];
      const message = 'does not match event.namespace';
      return [{ reason: 'Invalid', path: 'involvedObject.namespace', value: about, message }];
    },
    stored: (stored) => {
      const nowMs = Date.parse(state.now());
      written.delete(keyOf(stored));
      written.set(keyOf(stored), { event: stored, atMs: nowMs });
      for (const [key, { event, atMs }] of written) {
        if (written.size <= MOST_EVENTS && nowMs - atMs < LIFETIME_MS) break;
        written.delete(key);
        discard(event);
      }
    },
    removed: (stored) => {
      written.delete(keyOf(stored));
    },
  };
}

function keyOf({ metadata }: Stored): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function dateColumn(name: string, time: (event: StoredEvent) => string | null, priority = 0): Column {
  return { name, type: 'date', priority, cell: (stored) => time(asEvent(stored)) };
}

function firstSeen(event: StoredEvent): string | null {
  return event.firstTimestamp ?? event.eventTime ?? null;
}

function formatTarget({ involvedObject: about }: StoredEvent): string {
  const kind = about.kind?.toLowerCase() ?? '';
  return about.name === undefined || about.name === '' ? kind : `${kind}/${about.name}`;
}

function fieldPathOf({ involvedObject }: StoredEvent): string {
  return (involvedObject as { fieldPath?: string }).fieldPath ?? '';
}

function formatSource(event: StoredEvent): string {
  const component = event.source?.component ?? event.reportingComponent ?? '';
  const instance = event.source?.host ?? event.reportingInstance ?? '';
  return instance === '' ? component : `${component}, ${instance}`;
}
