/**
 * The verbs of the API: what happens to a request once it is known which resource it names. Reading (read.ts, watch.ts), writing
 * (create.ts, update.ts, delete.ts), which all end in commit.ts, and the shaping of what is written (decode.ts, rules.ts).
 *
 * Always: an answer is thrown as ApiError or returned, storage changes only in commit.ts and delete.ts, and nothing is stored that has
 * not passed schema, strategy and admission. Admission takes time, so what was read before it is checked again when it is stored.
 */
import type { Clock } from '../../../ports.ts';
import type { Admission, Definition } from '../definition.ts';
import { badRequest } from '../errors.ts';
import type { Body } from '../http/body.ts';
import type { User } from '../http/authentication.ts';
import type { Registry } from '../registry.ts';
import type { Storage } from '../storage.ts';

/** What the verbs work on. */
export interface Machinery {
  readonly storage: Storage;
  readonly registry: Registry;
  readonly admission: Admission;
  readonly clock: Clock;
}

export type Subresource = '' | 'status' | 'finalize';

/** One request for one resource. */
export interface Call {
  readonly definition: Definition;
  readonly namespace: string | undefined;
  /** Empty for requests to the whole collection. */
  readonly name: string;
  readonly subresource: Subresource;
  readonly query: URLSearchParams;
  readonly body: Body;
  readonly user: User;
  /** The field manager: the query's, else the program named by User-Agent. */
  readonly manager: string;
  readonly dryRun: boolean;
  /** Sentences for the client, sent as Warning headers. Verbs add to it. */
  readonly warnings: string[];
}

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export function fieldValidationOf(query: URLSearchParams): FieldValidation {
  const value = query.get('fieldValidation') ?? '';
  return value === 'Ignore' || value === 'Strict' ? value : 'Warn';
}

/** True for dryRun=All; options.ts refuses anything else. */
export function dryRunOf(values: readonly unknown[]): boolean {
  return values.includes('All');
}

/** The field manager of a request. */
export function managerOf(query: URLSearchParams, userAgent: string | undefined): string {
  const given = query.get('fieldManager') ?? '';
  // kubectl/v1.32.4 (linux/amd64) … is kubectl.
  return given === '' ? ((userAgent ?? '').split('/')[0]?.slice(0, 128) ?? '') || 'unknown' : given;
}

export function booleanOf(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  if (value === null || value === 'false' || value === '0') return false;
  if (value === 'true' || value === '1' || value === '') return true;
  throw badRequest(`${name} must be true or false, not ${JSON.stringify(value)}`);
}

/** undefined where the query has none. */
export function countOf(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name) ?? '';
  if (value === '') return undefined;
  const count = Number(value);
  if (!/^\d{1,15}$/.test(value))
    throw badRequest(`${name} must be a whole number, not ${JSON.stringify(value)}`);
  return count;
}
