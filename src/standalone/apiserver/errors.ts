/**
 * Every refusal the embedded API server can give, in kube-apiserver's reasons and wording: clients (kubectl, client-go, Flux)
 * decide by code and reason, and people know these sentences. The 422 for faults of fields is in schema/faults.ts.
 */
import type { Resource } from '../../api/meta.ts';
import { ApiError } from './definition.ts';

type Named = Pick<Resource, 'group' | 'plural'>;

/** `services` or `ipaddresspools.metallb.io`: how messages name a resource. */
function formatResource(resource: Named): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

function details(resource: Named, name: string): { name: string; group?: string; kind: string } {
  return { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural };
}

export function notFound(resource: Named, name: string): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${formatResource(resource)} "${name}" not found`,
    details: details(resource, name),
  });
}

/** The path names nothing that is served. */
export function nothingServed(): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });
}

export function alreadyExists(resource: Named, name: string): ApiError {
  return new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${formatResource(resource)} "${name}" already exists`,
    details: details(resource, name),
  });
}

export const OBJECT_MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(resource: Named, name: string, why: string): ApiError {
  return new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${formatResource(resource)} "${name}": ${why}`,
    details: details(resource, name),
  });
}

export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: 'BadRequest', message });
}

export function forbidden(resource: Named, name: string, why: string): ApiError {
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: `${formatResource(resource)}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`,
    details: details(resource, name),
  });
}

export function unauthorized(): ApiError {
  return new ApiError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

export function methodNotAllowed(why: string): ApiError {
  return new ApiError({ code: 405, reason: 'MethodNotAllowed', message: why, details: {} });
}

export function notAcceptable(why: string): ApiError {
  return new ApiError({ code: 406, reason: 'NotAcceptable', message: why });
}

export function unsupportedMediaType(why: string): ApiError {
  return new ApiError({ code: 415, reason: 'UnsupportedMediaType', message: why });
}

/** The history that was asked for is no longer kept: list again. */
export function expired(message: string): ApiError {
  return new ApiError({ code: 410, reason: 'Expired', message });
}

/** A resourceVersion of the future, as after a restart of the server: client-go reads the cause and lists from scratch. */
export function tooLargeResourceVersion(asked: number, current: number): ApiError {
  return new ApiError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });
}

export function tooLarge(limitBytes: number): ApiError {
  return new ApiError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: limit is ${limitBytes}`,
  });
}

export function internal(): ApiError {
  return new ApiError({
    code: 500,
    reason: 'InternalError',
    message: "Internal error occurred: see the API server's log",
  });
}
