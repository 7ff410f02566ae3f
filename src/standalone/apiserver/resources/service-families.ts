/**
 * Which families a Service has: ipFamilyPolicy, ipFamilies and clusterIPs are filled in from each other and from the
 * families the server has ranges for (kube-apiserver's initIPFamilyFields).
 */
import type { IpFamily } from '../../../api/kubernetes.ts';
import { parseAddress } from '../../../core/net/address.ts';
import type { FieldFault } from '../definition.ts';
import { sameJson } from '../json.ts';
import { addressFaults } from './addresses.ts';
import { isHeadless } from './service-spec.ts';
import type { ServiceSpec, StoredService } from './service-spec.ts';

/** Fills spec in place; `served` are the families with a range, the default first. Faults mean nothing can be allocated. */
export function settleFamilies(
  service: StoredService,
  old: StoredService | undefined,
  served: readonly IpFamily[],
): FieldFault[] {
  const { spec } = service;
  if (spec.type === 'ExternalName' || isUnchangedPreference(spec, old?.spec)) return [];
  const selectorless = Object.keys(spec.selector ?? {}).length === 0;
  const headless = spec.clusterIP === 'None';
  spec.ipFamilyPolicy ??=
    old?.spec.ipFamilyPolicy ?? (headless && selectorless ? 'RequireDualStack' : 'SingleStack');
  const related = clusterIpFaults(spec);
  if (related.length > 0) return related;

  const faults = old === undefined ? [] : releaseFaults(spec, old.spec);
  const policyFault = (message: string): FieldFault =>
    invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, message);
  if (spec.ipFamilyPolicy === 'SingleStack') {
    const must = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
    if (spec.clusterIPs?.length === 2) faults.push(policyFault(`${must} cluster IPs are specified`));
    if (spec.ipFamilies?.length === 2) faults.push(policyFault(`${must} IP families are specified`));
  }
  faults.push(...inferFamilies(spec, served));
  if (faults.length > 0) return faults;

  const wantsTwo = spec.ipFamilyPolicy !== 'SingleStack';
  if (headless && selectorless) {
    // Endpoints are written by hand and may be of any family, served here or not.
    completeFamilies(spec, served, wantsTwo);
    return [];
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && served.length < 2)
    faults.push(policyFault('this cluster is not configured for dual-stack services'));
  for (const [index, family] of (spec.ipFamilies ?? []).entries())
    if (!served.includes(family))
      faults.push(invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'));
  if (faults.length === 0) completeFamilies(spec, served, wantsTwo && served.length === 2);
  return faults;
}

/** The faults of clusterIP, clusterIPs and ipFamilies among themselves. */
export function clusterIpFaults(spec: ServiceSpec): FieldFault[] {
  if (spec.type === 'ExternalName') return [];
  const ips = spec.clusterIPs ?? [];
  const families = spec.ipFamilies ?? [];
  const faults: FieldFault[] = [];
  const wrongList = (message: string): void => {
    faults.push(invalid('spec.clusterIPs', ips, message));
  };
  if ((spec.clusterIP ?? '') === '') {
    if (ips.length > 0) wrongList('must be empty when `clusterIP` is not specified');
  } else if (ips.length === 0) {
    faults.push({ reason: 'Required', path: 'spec.clusterIPs', message: '' });
  } else if (ips[0] !== spec.clusterIP) {
    wrongList('first value must match `clusterIP`');
  }
  for (const [index, family] of families.entries())
    if (families.indexOf(family) < index)
      faults.push({ reason: 'Duplicate', path: `spec.ipFamilies[${index}]`, value: family, message: '' });
  const malformed: FieldFault[] = [];
  if (ips[0] === 'None' && ips.length > 1)
    malformed.push(invalid('spec.clusterIPs', ips, "'None' must be the first and only value"));
  for (const [index, ip] of ips.entries())
    if (!(index === 0 && ip === 'None')) malformed.push(...addressFaults(`spec.clusterIPs[${index}]`, ip));
  if (ips.length > 2) wrongList('may only hold up to 2 values');
  if (malformed.length > 0) return [...faults, ...malformed];
  if (ips.length > 1 && familyOf(ips[0]) === familyOf(ips[1]))
    wrongList('may specify no more than one IP for each IP family');
  if (isHeadless(spec)) return faults;
  for (const [index, ip] of ips.entries()) {
    const family = families[index];
    if (family !== undefined && family !== familyOf(ip))
      faults.push(
        invalid(
          `spec.clusterIPs[${index}]`,
          ip,
          `expected an ${family} value as indicated by \`ipFamilies[${index}]\``,
        ),
      );
  }
  return faults;
}

/** Losing the second family must be said with ipFamilyPolicy, not by leaving it out. */
function releaseFaults(spec: ServiceSpec, before: ServiceSpec): FieldFault[] {
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (sameJson(spec.clusterIPs, before.clusterIPs) && spec.clusterIPs?.length === 2)
      spec.clusterIPs = spec.clusterIPs.slice(0, 1);
    if (sameJson(spec.ipFamilies, before.ipFamilies) && spec.ipFamilies?.length === 2)
      spec.ipFamilies = spec.ipFamilies.slice(0, 1);
    return [];
  }
  const faults: FieldFault[] = [];
  const release = (what: string): void => {
    faults.push(
      invalid(
        'spec.ipFamilyPolicy',
        spec.ipFamilyPolicy,
        `must be 'SingleStack' to release the secondary ${what}`,
      ),
    );
  };
  if (spec.clusterIPs?.length === 1 && before.clusterIPs?.length === 2) release('cluster IP');
  if (spec.ipFamilies?.length === 1 && before.ipFamilies?.length === 2) release('IP family');
  return faults;
}

function inferFamilies(spec: ServiceSpec, served: readonly IpFamily[]): FieldFault[] {
  const faults: FieldFault[] = [];
  for (const [index, ip] of (spec.clusterIPs ?? []).entries()) {
    const family = familyOf(ip);
    if (family === undefined || index < (spec.ipFamilies ?? []).length) continue;
    if (served.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else
      faults.push(
        invalid(`spec.clusterIPs[${index}]`, spec.clusterIPs, `${family} is not configured on this cluster`),
      );
  }
  return faults;
}

function completeFamilies(spec: ServiceSpec, served: readonly IpFamily[], both: boolean): void {
  const [first] = spec.ipFamilies ?? [];
  const primary = first ?? served[0] ?? 'IPv4';
  if (first === undefined) spec.ipFamilies = [primary];
  if (both && spec.ipFamilies?.length === 1)
    spec.ipFamilies = [primary, primary === 'IPv4' ? 'IPv6' : 'IPv4'];
}

/** A PreferDualStack Service stays with the families it has until its author changes something about them. */
function isUnchangedPreference(spec: ServiceSpec, before: ServiceSpec | undefined): boolean {
  return (
    before !== undefined &&
    spec.type === before.type &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    before.ipFamilyPolicy === 'PreferDualStack' &&
    sameJson(spec.clusterIPs, before.clusterIPs) &&
    sameJson(spec.ipFamilies, before.ipFamilies)
  );
}

function familyOf(ip: string | undefined): IpFamily | undefined {
  return ip === undefined ? undefined : parseAddress(ip)?.family;
}

function invalid(path: string, value: unknown, message: string): FieldFault {
  return { reason: 'Invalid', path, value, message };
}
