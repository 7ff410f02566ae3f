/** Services on a SmallServer, written as authors write them. */
import assert from 'node:assert/strict';
import type { Definition, Stored } from '../../src/standalone/apiserver/definition.ts';
import { DEFAULT_SERVICE_RANGES } from '../../src/standalone/apiserver/resources/built-in.ts';
import { serviceDefinition } from '../../src/standalone/apiserver/resources/service.ts';
import type { ServiceRanges } from '../../src/standalone/apiserver/resources/service-allocation.ts';
import type { ServiceSpec } from '../../src/standalone/apiserver/resources/service-spec.ts';
import { SmallServer } from './small-server.ts';

/** Six IPv4 addresses, 10.96.0.1 to 10.96.0.6, and two node ports. */
export const SMALL: ServiceRanges = {
  clusterIps: [{ family: 'IPv4', first: 0x0a600000n, last: 0x0a600007n }],
  nodePorts: { first: 30_000, last: 30_001 },
};

/** The shortest spec that is complete. */
export const HTTP = { ports: [{ port: 80 }] };

export class Services {
  readonly server: SmallServer;
  readonly definition: Definition;

  constructor(ranges: ServiceRanges = DEFAULT_SERVICE_RANGES) {
    this.server = new SmallServer();
    this.definition = serviceDefinition(this.server, ranges);
  }

  create(name: string, spec: object): ServiceSpec {
    return specOf(
      this.server.write(this.definition, {
        metadata: { name, namespace: 'default' },
        spec,
      } as unknown as Stored),
    );
  }

  /** Sends a whole Service again with some of its spec changed, as `kubectl edit` does. */
  change(name: string, change: object): ServiceSpec {
    const old = this.stored(name);
    return specOf(this.server.write(this.definition, { ...old, spec: { ...specOf(old), ...change } }));
  }

  /** Sends only this, as a client with PUT does. */
  replace(name: string, spec: object): ServiceSpec {
    return specOf(
      this.server.write(this.definition, { metadata: this.stored(name).metadata, spec } as unknown as Stored),
    );
  }

  stored(name: string): Stored {
    const found = this.server.find(this.definition.resource, 'default', name);
    assert.ok(found);
    return found;
  }

  row(name: string): unknown[] {
    return this.definition.columns.map((column) => column.cell(this.stored(name)));
  }
}

export function specOf(stored: Stored): ServiceSpec {
  return stored['spec'] as ServiceSpec;
}
