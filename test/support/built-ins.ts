/** The built-in resources on a SmallServer: what they store, print and refuse. */
import assert from 'node:assert/strict';
import { ApiError } from '../../src/standalone/apiserver/definition.ts';
import type { Definition, Stored } from '../../src/standalone/apiserver/definition.ts';
import { Registry } from '../../src/standalone/apiserver/registry.ts';
import { builtInDefinitions } from '../../src/standalone/apiserver/resources/built-in.ts';
import { SmallServer } from './small-server.ts';

export class BuiltIns {
  readonly server = new SmallServer();
  /** Where custom resources appear. */
  readonly registry = new Registry();
  readonly definitions = builtInDefinitions({
    state: this.server,
    registry: this.registry,
    discard: (resource, stored) => this.server.discard(resource, stored),
  });

  definition(kind: string): Definition {
    const found = this.definitions.find(({ resource }) => resource.kind === kind);
    assert.ok(found, kind);
    return found;
  }

  write(kind: string, object: object): Stored {
    return this.server.write(this.definition(kind), object as Stored);
  }

  /** The cells of an object's row by the names of the columns. */
  cells(kind: string, object: object): Record<string, unknown> {
    const { columns } = this.definition(kind);
    return Object.fromEntries(columns.map((column) => [column.name, column.cell(object as Stored)]));
  }

  /** Why an object is refused, without the name of the object. */
  refusal(kind: string, object: object): string {
    return refusalOf(() => this.write(kind, object));
  }
}

/** The faults of the 422 that must come of it. */
export function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.status.code, 422);
    return error.message.replace(/^.*? is invalid: /, '');
  }
  assert.fail('nothing was refused');
}
