/**
 * Findings: everything Cleat has to say about an object, with a stable code. The same code and sentence appear in the
 * webhook's answer, in conditions, in events and in the offline tools. LB1xx speak of Services, LB2xx of configuration.
 */
import type { FindingKind, Level } from './finding-kind.ts';
import { FINDINGS_OF_CONFIGURATION } from './findings-of-configuration.ts';
import { FINDINGS_OF_SERVICES } from './findings-of-services.ts';
import type { ObjectRef } from './meta.ts';

export type { Level } from './finding-kind.ts';

/** Every finding there is. A code is never reused for something else. */
export const FINDINGS = { ...FINDINGS_OF_SERVICES, ...FINDINGS_OF_CONFIGURATION };

export type FindingCode = keyof typeof FINDINGS;

/** One thing to say about one object. */
export interface Finding {
  readonly code: FindingCode;
  readonly object: ObjectRef;
  /** JSON path of the field, as kubectl writes it: `spec.addresses[0]`, `metadata.annotations[metallb.io/loadBalancerIPs]`. */
  readonly path: string;
  /** The offending value as text, where there is one. */
  readonly value?: string;
  /** A value that would be right in the place of `value`, where one is known. */
  readonly suggestion?: string;
  /** The sentence without the code: what is wrong with which value, and what would be right. */
  readonly message: string;
}

/** What the gate does with a finding of this code, where no namespace asks for less. */
export function gateLevelOf(code: FindingCode): Level {
  const kind: FindingKind = FINDINGS[code];
  return kind.gate ?? kind.level;
}

/** `LB101 spec.loadBalancerIP 192.0.2.9 is in no pool …`: the form printed by every door. */
export function formatFinding(finding: Finding): string {
  return `${finding.code} ${finding.message}`;
}
