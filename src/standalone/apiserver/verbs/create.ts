/** create: POST to a collection, and server-side apply to a name that nothing has. */
import { randomUUID } from 'node:crypto';
import type { Stored } from '../definition.ts';
import { ApiError } from '../definition.ts';
import { alreadyExists, forbidden, notFound } from '../errors.ts';
import { NAMESPACES } from '../../../api/kubernetes.ts';
import type { Call, Machinery } from './call.ts';
import { commit } from './commit.ts';
import { conform, objectOfBody } from './decode.ts';
import { manageUpdate } from './manage.ts';
import { dropStatus, shapeNew } from './rules.ts';

/** How often a made-up name that turns out to be taken is made up again. */
const NAME_ATTEMPTS = 8;

/** Without vowels and look-alikes, as kube-apiserver's, so that no word comes out. */
const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

export async function create(machinery: Machinery, call: Call): Promise<Stored> {
  const object = objectOfBody(call);
  if ((object.metadata.resourceVersion ?? '') !== '') {
    throw new ApiError({ code: 500, message: 'resourceVersion should not be set on objects to be created' });
  }
  dropStatus(call.definition, object);
  conform(call, object);
  return createObject(machinery, call, object, (made) => {
    manageUpdate(call, made, undefined, machinery.storage.now());
  });
}

/** Creates from an object that conforms; `manage` writes its managedFields once the server's part of it is made. */
export async function createObject(
  machinery: Machinery,
  call: Call,
  given: Stored,
  manage: (object: Stored) => void,
): Promise<Stored> {
  checkNamespace(machinery, call, given);
  const { storage } = machinery;
  const { definition } = call;
  const prefix = given.metadata.generateName ?? '';
  const generates = (given.metadata.name ?? '') === '' && prefix !== '';
  for (let attempt = 1; ; attempt++) {
    const object = structuredClone(given);
    if (generates) object.metadata.name = generateName(prefix);
    shapeNew(definition, object, randomUUID(), storage.now());
    manage(object);
    const name = object.metadata.name ?? '';
    // A name that is taken is found out last, so that the faults of the object are told first.
    const stored = await commit(machinery, call, object, undefined);
    if (stored !== undefined) return stored;
    if (!generates || attempt === NAME_ATTEMPTS) throw alreadyExists(definition.resource, name);
  }
}

function generateName(prefix: string): string {
  const random = Array.from(
    { length: 5 },
    () => SUFFIX_LETTERS[Math.floor(Math.random() * SUFFIX_LETTERS.length)],
  );
  return `${prefix.slice(0, 58)}${random.join('')}`;
}

/** Objects are created only in a namespace that is there to stay. */
function checkNamespace({ storage }: Machinery, { definition, namespace }: Call, object: Stored): void {
  if (namespace === undefined) return;
  const found = storage.find(NAMESPACES, undefined, namespace);
  if (found === undefined) throw notFound(NAMESPACES, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = forbidden(definition.resource, object.metadata.name ?? '', why);
  throw new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: why,
    ...status,
    details: {
      ...status.details,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  });
}
