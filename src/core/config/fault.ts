/** What a finding does to the configuration it is found in. */
import { POLICY_EXCEPTIONS } from '../../api/cleat.ts';
import type { Finding } from '../../api/findings.ts';
import { FINDINGS } from '../../api/findings.ts';

/** True for a finding that keeps what it is about from being used. */
export function isFault(finding: Finding): boolean {
  return FINDINGS[finding.code].level === 'deny';
}

/**
 * True for a fault that keeps the whole configuration from being used, as what the last good one had might be lost otherwise. A
 * PolicyException with a fault is left out by itself: without it everybody has what they had, and the gate is as strict as ever.
 */
export function keepsAllBack(finding: Finding): boolean {
  return isFault(finding) && finding.object.kind !== POLICY_EXCEPTIONS.kind;
}
