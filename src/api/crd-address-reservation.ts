/** AddressReservation v1alpha1 as the API server is told of it. */
import { ADDRESS_RESERVATIONS } from './cleat.ts';
import { STATUS_OF_CONFIGURATION } from './crd-conditions.ts';
import { addresses, expiry, names, strictSelectors } from './crd-own-schema.ts';
import type { CustomResourceDefinition } from './crd-schema.ts';
import { customResourceDefinition, EXPIRES_COLUMN } from './crd-schema.ts';

export const ADDRESS_RESERVATION_CRD: CustomResourceDefinition = customResourceDefinition(
  ADDRESS_RESERVATIONS,
  {
    description:
      'Keeps addresses for some Services: nobody else gets them, neither by asking nor on its own accord, whether ' +
      'somebody holds them or not. Who holds one when the reservation is made keeps it.',
    specRequired: true,
    spec: {
      description: 'The addresses and who may hold them.',
      type: 'object',
      required: ['addresses'],
      properties: {
        addresses: addresses(
          'The addresses, IPv4 or IPv6: single ones such as 192.0.2.7, CIDRs such as 192.0.2.0/28 and ranges such as ' +
            '192.0.2.1-192.0.2.9. They need not be in a pool yet.',
        ),
        namespaces: names('Namespaces, by name, whose Services may hold the addresses.'),
        namespaceSelectors: strictSelectors(
          'Namespaces, by label, whose Services may hold the addresses, besides those listed by name. Selectors that match ' +
            'no namespace let nobody in.',
        ),
        serviceSelectors: strictSelectors(
          'Services, by label, that may hold the addresses. One of the selectors must match; none means all of those ' +
            'namespaces. Without namespaces, Services of any. Without either, nobody may hold the addresses.',
        ),
        expires: expiry('When the reservation ends. Without it, it lasts until it is deleted.'),
        reason: { description: 'Why the addresses are kept, for people.', type: 'string', maxLength: 1024 },
      },
    },
    status: STATUS_OF_CONFIGURATION,
    columns: [
      {
        name: 'Addresses',
        type: 'string',
        jsonPath: '.spec.addresses',
        description: 'The addresses that are kept',
      },
      EXPIRES_COLUMN,
      { name: 'Reason', type: 'string', jsonPath: '.spec.reason', description: 'Why they are kept' },
    ],
  },
);
