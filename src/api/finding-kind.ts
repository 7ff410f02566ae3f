/** What there is to know about a finding before it is found. */

/** What the gate does with a finding: refuse, admit with a warning, or only record it. */
export type Level = 'deny' | 'warn' | 'audit';

export interface FindingKind {
  /** Reason name: CamelCase, used in conditions and events. */
  readonly reason: string;
  readonly level: Level;
  /**
   * What the gate does where that is less: another object, still to come, may make it right, so the order in which objects
   * are created must not matter.
   */
  readonly gate?: Level;
  /** One sentence for the reference: what it means. */
  readonly meaning: string;
  /** One sentence: what to do. */
  readonly remedy: string;
}
