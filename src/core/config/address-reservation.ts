/** AddressReservation objects: which addresses are kept, and for whom. */
import { ADDRESS_RESERVATION_CRD } from '../../api/crd-address-reservation.ts';
import type { Finding } from '../../api/findings.ts';
import type { AddressRange } from '../net/address.ts';
import { parseAddress } from '../net/address.ts';
import { parseRange } from '../net/range.ts';
import type { NamespaceChoice } from './namespace-choice.ts';
import type { Namespaces } from './namespaces.ts';
import { choosesNone, readNamespaceChoice } from './namespace-choice.ts';
import type { Read } from './objects.ts';
import type { Fields } from './read.ts';
import { readFields, readList, readOptionalText, readString } from './read.ts';
import { readSelectors } from './read-selector.ts';
import { Report } from './report.ts';
import type { Reservation } from './snapshot.ts';
import { checkSizes } from './sizes.ts';
import { readTime } from './time.ts';

/** One entry of the addresses, with what is needed to complain about it. */
export interface RangeEntry {
  readonly range: AddressRange;
  /** As the user wrote it. */
  readonly text: string;
  readonly path: string;
}

/** A reservation as its object alone tells it. */
export interface ReservationDraft {
  readonly reservation: Omit<Reservation, 'namespaces'>;
  readonly entries: readonly RangeEntry[];
  readonly choice: NamespaceChoice;
}

export function readAddressReservation(object: Fields, report: Report): ReservationDraft {
  const spec = readFields(object['spec'], 'spec', report);
  checkSizes(ADDRESS_RESERVATION_CRD, spec, report);
  const expiresAtMs = readTime(spec['expires'], 'spec.expires', report);
  const reason = readOptionalText(spec['reason'], 'spec.reason', report);
  const entries = readAddresses(spec['addresses'], report);
  return {
    reservation: {
      source: report.origin.object,
      ranges: entries.map(({ range }) => range),
      serviceSelectors: readSelectors(spec['serviceSelectors'], 'spec.serviceSelectors', report),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      ...(reason === undefined ? {} : { reason }),
    },
    entries,
    choice: readNamespaceChoice(spec, 'spec', report),
  };
}

const ADDRESSES = 'spec.addresses';

function readAddresses(value: unknown, report: Report): readonly RangeEntry[] {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0))
    report.addMissing('LB203', ADDRESSES, 'is empty: add an address, a CIDR or a range');
  return readList(value, ADDRESSES, report, (entry, path) => {
    const text = readString(entry, path, report);
    if (text === undefined) return undefined;
    const single = parseAddress(text.trim());
    if (single !== undefined) {
      const { family, value: own } = single;
      return { range: { family, first: own, last: own }, text, path };
    }
    const parsed = parseRange(text);
    if (parsed.ok) return { range: parsed.range, text, path };
    report.add('LB201', path, text, parsed.why);
    return undefined;
  });
}

/** The reservation with the namespaces that may hold its addresses, which may turn out to be none. */
export function resolveReservation(
  { value: { reservation, choice }, origin }: Read<ReservationDraft>,
  namespaces: Namespaces,
  findings: Finding[],
): Reservation {
  const isForLabelled = choosesNone(choice) && reservation.serviceSelectors.length > 0;
  if (isForLabelled) return reservation;
  const chosen = namespaces.chosenBy(choice);
  if (chosen.size === 0 && choice.selectors.length > 0) {
    const what = 'match no namespace, so nobody may hold the addresses';
    new Report(origin, findings).addMissing('LB211', 'spec.namespaceSelectors', what);
  }
  return { ...reservation, namespaces: chosen };
}
