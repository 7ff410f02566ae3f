/**
 * Cluster IPs and node ports. What a Service holds is read from its spec; the pools only remember who holds what, so that
 * two Services never hold the same. A number belongs to a Service from allocate() on, before it is stored, because other
 * requests run while webhooks are asked.
 */
import type { IpFamily } from '../../../api/kubernetes.ts';
import { SERVICES } from '../../../api/kubernetes.ts';
import { formatAddress, parseAddress } from '../../../core/net/address.ts';
import type { AddressRange } from '../../../core/net/address.ts';
import { formatRange, rangeSize } from '../../../core/net/range.ts';
import type { FieldFault, Stored } from '../definition.ts';
import { invalidObject } from '../schema/faults.ts';
import { NumberPool } from './number-pool.ts';
import { asService, hasNodePorts, isHeadless, needsHealthCheck } from './service-spec.ts';
import type { ServiceSpec, StoredService } from './service-spec.ts';

export interface ServiceRanges {
  /** One range a family that Services can have; the first is the default family. */
  readonly clusterIps: readonly AddressRange[];
  readonly nodePorts: { readonly first: number; readonly last: number };
}

export class ServiceNumbers {
  readonly #ranges: ServiceRanges;
  readonly #ips: ReadonlyMap<IpFamily, NumberPool>;
  readonly #ports: NumberPool;

  constructor(ranges: ServiceRanges) {
    this.#ranges = ranges;
    this.#ips = new Map(ranges.clusterIps.map((range) => [range.family, addressPool(range)]));
    const { first, last } = ranges.nodePorts;
    this.#ports = new NumberPool(
      BigInt(first),
      BigInt(last),
      reservedOf(BigInt(last - first + 1), 32n, 128n),
    );
  }

  get families(): readonly IpFamily[] {
    return [...this.#ips.keys()];
  }

  /** Fills in what the Service needs, and takes it. Throws the 422 when that cannot be, having taken nothing. */
  take(stored: Stored, old: Stored | undefined): void {
    const service = asService(stored);
    const before = old === undefined ? undefined : asService(old).spec;
    const faults = [
      ...this.#takeIps(service, before),
      ...this.#takePorts(service),
      ...this.#takeHealthCheckPort(service),
    ];
    if (faults.length === 0) return;
    this.giveBack(stored, old);
    throw invalidObject(SERVICES, service.metadata.name ?? '', faults);
  }

  /** Gives back what `stored` holds and `kept` does not. */
  giveBack(stored: Stored, kept: Stored | undefined): void {
    const keep = kept === undefined ? { ips: [], ports: [] } : numbersOf(asService(kept).spec);
    const has = numbersOf(asService(stored).spec);
    const owner = ownerOf(stored);
    for (const text of has.ips) {
      const address = keep.ips.includes(text) ? undefined : parseAddress(text);
      if (address !== undefined) this.#ips.get(address.family)?.release(address.value, owner);
    }
    for (const port of has.ports) if (!keep.ports.includes(port)) this.#ports.release(BigInt(port), owner);
  }

  /** Takes again what a Service had in an earlier life of the server. */
  hold(stored: Stored): void {
    const { ips, ports } = numbersOf(asService(stored).spec);
    const owner = ownerOf(stored);
    for (const text of ips) {
      const address = parseAddress(text);
      if (address !== undefined) this.#ips.get(address.family)?.take(address.value, owner);
    }
    for (const port of ports) this.#ports.take(BigInt(port), owner);
  }

  #takeIps(service: StoredService, before: ServiceSpec | undefined): FieldFault[] {
    const { spec } = service;
    if (spec.type === 'ExternalName' || isHeadless(spec)) return [];
    const ips = [...(spec.clusterIPs ?? [])];
    const faults: FieldFault[] = [];
    for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
      const pool = this.#ips.get(family);
      const held = before?.clusterIPs?.[index];
      // An address may not change; validation says so.
      if (pool === undefined || (held !== undefined && held !== ips[index])) continue;
      const fault = (why: string): void => {
        faults.push({
          reason: 'Invalid',
          path: 'spec.clusterIPs',
          value: spec.clusterIPs ?? [],
          message: why,
        });
      };
      const wanted = ips[index];
      if (wanted === undefined) {
        const value = pool.takeNext(ownerOf(service));
        if (value === undefined) fault('failed to allocate IP: range is full');
        ips[index] = value === undefined ? '' : formatAddress({ family, value });
        continue;
      }
      const outcome = pool.take(parseAddress(wanted)?.value ?? -1n, ownerOf(service));
      if (outcome === 'taken') fault(`failed to allocate IP ${wanted}: provided IP is already allocated`);
      if (outcome === 'outside')
        fault(`failed to allocate IP ${wanted}: ${this.#outsideRange(wanted, family)}`);
    }
    // Written even where one of them failed: what was taken is found there to be given back.
    if (ips[0] !== undefined) spec.clusterIP = ips[0];
    if (ips.length > 0) spec.clusterIPs = ips;
    return faults;
  }

  #outsideRange(ip: string, family: IpFamily): string {
    const range = this.#ranges.clusterIps.find((candidate) => candidate.family === family);
    return `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${range === undefined ? 'empty' : formatRange(range)}`;
  }

  #takePorts(service: StoredService): FieldFault[] {
    const { spec } = service;
    if (!hasNodePorts(spec)) return [];
    const ports = spec.ports ?? [];
    const faults: FieldFault[] = [];
    const fault = (index: number, value: number | undefined, message: string): void => {
      faults.push({ reason: 'Invalid', path: `spec.ports[${index}].nodePort`, value: value ?? 0, message });
    };
    for (const [index, port] of ports.entries()) {
      if (port.nodePort === undefined) continue;
      const why = this.#whyNotPort(port.nodePort, ownerOf(service));
      if (why !== undefined) fault(index, port.nodePort, why);
    }
    if (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false) return faults;
    for (const [index, port] of ports.entries()) {
      if (faults.length > 0 || port.nodePort !== undefined) continue;
      // One number serves a port in all its protocols: DNS over TCP and UDP is one node port.
      const sibling = ports.find(
        (other) =>
          other.port === port.port && other.protocol !== port.protocol && other.nodePort !== undefined,
      );
      const value = sibling?.nodePort ?? this.#ports.takeNext(ownerOf(service));
      if (value === undefined) fault(index, undefined, 'failed to allocate a nodePort: range is full');
      else port.nodePort = Number(value);
    }
    return faults;
  }

  #takeHealthCheckPort(service: StoredService): FieldFault[] {
    const { spec } = service;
    if (!needsHealthCheck(spec)) return [];
    const path = 'spec.healthCheckNodePort';
    if (spec.healthCheckNodePort === undefined) {
      const value = this.#ports.takeNext(ownerOf(service));
      if (value === undefined)
        return [
          {
            reason: 'Invalid',
            path,
            value: 0,
            message: 'failed to allocate a HealthCheck NodePort: range is full',
          },
        ];
      spec.healthCheckNodePort = Number(value);
      return [];
    }
    const why = this.#whyNotPort(spec.healthCheckNodePort, ownerOf(service));
    return why === undefined
      ? []
      : [{ reason: 'Invalid', path, value: spec.healthCheckNodePort, message: why }];
  }

  #whyNotPort(port: number, owner: string): string | undefined {
    const outcome = this.#ports.take(BigInt(port), owner);
    if (outcome === 'taken') return 'provided port is already allocated';
    if (outcome === 'ok') return undefined;
    const { first, last } = this.#ranges.nodePorts;
    return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
  }
}

/** What a Service of its type holds; an ExternalName may name node ports, but has none. */
function numbersOf(spec: ServiceSpec): { ips: readonly string[]; ports: readonly number[] } {
  const ports = hasNodePorts(spec) ? (spec.ports ?? []).flatMap((port) => port.nodePort ?? []) : [];
  if (needsHealthCheck(spec) && spec.healthCheckNodePort !== undefined) ports.push(spec.healthCheckNodePort);
  return { ips: spec.type === 'ExternalName' ? [] : (spec.clusterIPs ?? []), ports };
}

/** Two Services of one name that follow each other must not be taken for one. */
function ownerOf({ metadata }: Pick<Stored, 'metadata'>): string {
  return metadata.uid ?? `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}

/** Without the network address, and for IPv4 without the broadcast address. */
function addressPool(range: AddressRange): NumberPool {
  const reserved = reservedOf(rangeSize(range), 16n, 256n);
  return new NumberPool(range.first + 1n, range.family === 'IPv4' ? range.last - 1n : range.last, reserved);
}

/** How many numbers are kept for those who choose theirs (KEP-3070, KEP-3668). */
function reservedOf(size: bigint, share: bigint, most: bigint): bigint {
  const reserved = size / share;
  if (reserved < 16n) return size <= 16n ? 0n : 16n;
  return reserved > most ? most : reserved;
}
