/**
 * BGPPeer objects, v1beta2 and v1beta1 alike (docs/adr/0008): MetalLB's rules for one peer (internal/config/config.go,
 * peerFromCR). What depends on other objects is in bgp-checks.ts and backend.ts.
 */
import { formatAddress, parseAddress } from '../net/address.ts';
import { readTimers } from './bgp-timers.ts';
import { parseDuration } from './duration.ts';
import type { Fields } from './read.ts';
import { present, readBoolean, readFields, readInteger, readOptionalText } from './read.ts';
import { readSelectors } from './read-selector.ts';
import type { Report } from './report.ts';
import type { BgpPeer } from './snapshot.ts';

/** A peer as its object alone tells it. */
export interface BgpPeerDraft {
  readonly name: string;
  readonly peer: BgpPeer;
  /** Fields MetalLB's native mode does not have, set to something: path and what they are called. */
  readonly beyondNative: readonly { readonly path: string; readonly what: string }[];
}

/** 0 is what is left out. */
const AS_NUMBER = { absent: 0, min: 0, max: 4_294_967_295 };
/** MetalLB's bounds; 0 stands for the default in v1beta1. */
const PORT = { absent: 0, min: 0, max: 16_384 };
const BGP_PORT = 179;

export function readBgpPeer(object: Fields, report: Report): BgpPeerDraft {
  const spec = readFields(object['spec'], 'spec', report);
  const { name } = readFields(object['metadata'], 'metadata', report);
  const flag = (field: string): boolean => readBoolean(spec[field], `spec.${field}`, report, false);
  const text = (field: string): string | undefined => readOptionalText(spec[field], `spec.${field}`, report);
  const { myAsn, ...peerAs } = readAsNumbers(spec, report);
  const peer: BgpPeer = {
    source: report.origin.object,
    name: typeof name === 'string' ? name : '',
    myAsn,
    ...peerAs,
    ...readEnds(spec, report),
    peerPort: readInteger(spec['peerPort'], 'spec.peerPort', report, PORT) || BGP_PORT,
    ...present({ bfdProfile: text('bfdProfile'), vrf: text('vrf'), routerId: readRouterId(spec, report) }),
    ...readTimers(spec, report),
    ...readPassword(spec, report),
    nodeSelectors: readSelectors(spec['nodeSelectors'], 'spec.nodeSelectors', report),
    gracefulRestart: flag('enableGracefulRestart'),
    ebgpMultiHop: flag('ebgpMultiHop'),
    dualStack: flag('dualStackAddressFamily'),
  };
  if (peer.ebgpMultiHop && peer.peerAsn !== undefined && peer.peerAsn === myAsn) {
    const what = 'is for peers of another AS, and peerASN is the same as myASN: remove it';
    report.add('LB214', 'spec.ebgpMultiHop', true, what);
  }
  report.addMissing('LB209', 'spec', 'is read and checked, but this version opens no BGP session yet');
  if (flag('disableMP')) report.add('LB224', 'spec.disableMP', true, 'has no effect: remove it');
  return { name: peer.name, peer, beyondNative: beyondNative(peer, spec) };
}

function readAsNumbers(
  spec: Fields,
  report: Report,
): Pick<BgpPeer, 'myAsn' | 'peerAsn' | 'localAsn' | 'dynamicAsn'> {
  const asNumber = (field: string): number =>
    readInteger(spec[field], `spec.${field}`, report, AS_NUMBER) || 0;
  const [myAsn, peerAsn, localAsn] = [asNumber('myASN'), asNumber('peerASN'), asNumber('localASN')];
  const dynamic = readOptionalText(spec['dynamicASN'], 'spec.dynamicASN', report);
  const isDynamic = dynamic === 'internal' || dynamic === 'external';
  if (dynamic !== undefined && !isDynamic)
    report.malformed('spec.dynamicASN', dynamic, 'internal or external');
  const isLeftOut = (value: unknown): boolean => value === undefined || value === null || value === 0;
  if (isLeftOut(spec['myASN']))
    report.addMissing(report.origin.malformed, 'spec.myASN', 'is missing: write the AS number of this side');
  if (isLeftOut(spec['peerASN']) && dynamic === undefined) {
    const what = 'is missing: write the AS number of the peer, or dynamicASN';
    report.addMissing(report.origin.malformed, 'spec.peerASN', what);
  }
  if (peerAsn !== 0 && dynamic !== undefined)
    report.add('LB214', 'spec.dynamicASN', dynamic, `excludes peerASN ${peerAsn}: remove one of the two`);
  return {
    myAsn,
    ...(peerAsn === 0 ? {} : { peerAsn }),
    ...(localAsn === 0 ? {} : { localAsn }),
    ...(isDynamic ? { dynamicAsn: dynamic } : {}),
  };
}

function readEnds(
  spec: Fields,
  report: Report,
): Partial<Pick<BgpPeer, 'peerAddress' | 'interface' | 'sourceAddress'>> {
  const peerAddress = readAddress(spec['peerAddress'], 'spec.peerAddress', report);
  const sourceAddress = readAddress(spec['sourceAddress'], 'spec.sourceAddress', report);
  const through = readOptionalText(spec['interface'], 'spec.interface', report);
  const hasAddress = spec['peerAddress'] !== undefined && spec['peerAddress'] !== '';
  if (!hasAddress && through === undefined) {
    const what = 'is missing: write the address of the peer, or interface';
    report.addMissing(report.origin.malformed, 'spec.peerAddress', what);
  }
  if (hasAddress && through !== undefined)
    report.add('LB214', 'spec.interface', through, 'excludes peerAddress: remove one of the two');
  return present({ peerAddress, sourceAddress, interface: through });
}

/** Canonical text. No names and no zones, as in MetalLB. */
function readAddress(value: unknown, path: string, report: Report): string | undefined {
  const text = readOptionalText(value, path, report);
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  // No packet comes from or goes to the unspecified address.
  if (address === undefined || address.value === 0n) {
    report.malformed(path, text, 'the IP address of a machine');
    return undefined;
  }
  return formatAddress(address);
}

/** Four octets and not zero (RFC 6286). MetalLB takes an IPv6 address too and fails when the session opens. */
function readRouterId(spec: Fields, report: Report): string | undefined {
  const text = readOptionalText(spec['routerID'], 'spec.routerID', report);
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  if (address?.family === 'IPv4' && address.value !== 0n) return formatAddress(address);
  report.malformed('spec.routerID', text, 'an IPv4 address other than 0.0.0.0');
  return undefined;
}

/** Not even a malformed password is shown. */
function readPassword(spec: Fields, report: Report): Pick<BgpPeer, 'password' | 'passwordSecret'> {
  const { password } = spec;
  const secret = readFields(spec['passwordSecret'], 'spec.passwordSecret', report);
  const name = readOptionalText(secret['name'], 'spec.passwordSecret.name', report);
  const isGiven = password !== undefined && password !== null && password !== '';
  if (isGiven && typeof password !== 'string')
    report.addMissing(report.origin.malformed, 'spec.password', 'is not a text: put it in quotes');
  if (isGiven && name !== undefined)
    report.add('LB214', 'spec.passwordSecret.name', name, 'excludes password: remove one of the two');
  const namespace = readOptionalText(secret['namespace'], 'spec.passwordSecret.namespace', report);
  if (namespace !== undefined && namespace !== report.origin.object.namespace) {
    const what = 'is not looked at: the Secret must be where the configuration is';
    report.add('LB224', 'spec.passwordSecret.namespace', namespace, what);
  }
  return present({
    password: typeof password === 'string' && isGiven ? password : undefined,
    passwordSecret: name,
  });
}

/** In the order MetalLB looks (internal/config/validation.go). */
function beyondNative(peer: BgpPeer, spec: Fields): BgpPeerDraft['beyondNative'] {
  const keepalive = typeof spec['keepaliveTime'] === 'string' ? spec['keepaliveTime'] : '';
  const fields: readonly [boolean, string, string][] = [
    [peer.bfdProfile !== undefined, 'bfdProfile', 'BFD'],
    [keepalive !== '' && parseDuration(keepalive) !== 0n, 'keepaliveTime', 'keepalive times'],
    [peer.vrf !== undefined, 'vrf', 'VRFs'],
    [peer.connectTimeSeconds !== undefined, 'connectTime', 'connect times'],
    [peer.gracefulRestart, 'enableGracefulRestart', 'graceful restart'],
    [spec['disableMP'] === true, 'disableMP', 'a switch for address families'],
    [peer.dualStack, 'dualStackAddressFamily', 'both families in one session'],
    [peer.dynamicAsn !== undefined, 'dynamicASN', 'dynamic AS numbers'],
    [peer.interface !== undefined, 'interface', 'peers without an address'],
    [peer.localAsn !== undefined, 'localASN', 'local AS numbers'],
  ];
  return fields.flatMap(([isSet, field, what]) => (isSet ? [{ path: `spec.${field}`, what }] : []));
}
