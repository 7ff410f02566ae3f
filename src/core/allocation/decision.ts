/** What becomes of one Service. Every Service of ours ends each pass with exactly one Decision and its reason. */
import type { Finding } from '../../api/findings.ts';
import type { Address } from '../net/address.ts';

export type Decision =
  /** Holds these addresses from this pool, in the order they are written to status: IPv4 first, else as requested. */
  | {
      readonly kind: 'assigned';
      readonly addresses: readonly Address[];
      readonly pool: string;
      /** Why addresses held before were given up, when they were. */
      readonly moved?: { readonly from: readonly Address[]; readonly why: Finding };
      /** Things worth saying although it has its addresses (for example NotAnnounced, a malformed new request). */
      readonly findings: readonly Finding[];
    }
  /** Ours, but has nothing; `finding` says why. `released` is what it held until now. */
  | {
      readonly kind: 'waiting';
      readonly finding: Finding;
      readonly released: readonly Address[];
      /** Why what it held is not allowed any more, where the configuration or another Service took it away, not the author. */
      readonly lost?: Finding;
    }
  /** Not ours: whatever of ours is on it (ingress we wrote, annotation, condition) is removed. */
  | { readonly kind: 'foreign'; readonly released: readonly Address[] };
