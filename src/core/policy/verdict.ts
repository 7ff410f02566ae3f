/** The verdict on one change: every rule's remarks, weighed by the namespace's level, in the words every door prints. */
import { ENFORCE_LABEL } from '../../api/annotations.ts';
import type { Finding, Level } from '../../api/findings.ts';
import { formatFinding } from '../../api/findings.ts';
import type { Change, Facts, Remark, Rule } from './facts.ts';
import { judgeGateway } from './gateway-rules.ts';
import { isWorldChange } from './changed-world.ts';
import { isExcepted, withExceptions } from './exceptions.ts';
import { hopedWorld } from './hoped-world.ts';
import { judgeConfiguration } from './pool-rules.ts';
import { judgeReservation } from './reservation-rules.ts';
import { judgeService } from './service-rules.ts';
import { judgeStranding, STRANDING, strandsInHopedWorld } from './strand-rules.ts';
import { auditText, denialText, warningText } from './wording.ts';

export interface Verdict {
  readonly allowed: boolean;
  /** Everything found, whatever its level. */
  readonly findings: readonly Finding[];
  /** For the author, at most 120 characters each, the code first. */
  readonly warnings: readonly string[];
  /** Why it was refused; present exactly where it was. */
  readonly message?: string;
  /** For the audit log: the codes, the sentences, the version of the facts and the exceptions that made a difference. Empty where nothing was found. */
  readonly audit: Readonly<Record<string, string>>;
}

/** Each speaks for itself; the order is the order of the sentences. */
const RULES: readonly Rule[] = [
  judgeService,
  judgeGateway,
  judgeConfiguration,
  judgeStranding,
  judgeReservation,
];

const SEVERITY: Readonly<Record<Level, number>> = { audit: 0, warn: 1, deny: 2 };

const NOTHING_TO_SAY: Verdict = { allowed: true, findings: [], warnings: [], audit: {} };

/**
 * Pure and synchronous: the same facts, change and intents give the same verdict. `intents` are what else the user is about
 * to do: a refusal that they would turn is only a warning.
 */
export function verdict(facts: Facts, change: Change, intents: readonly Change[] = []): Verdict {
  const remarks = judge(facts, change, intents);
  if (remarks.length === 0) return NOTHING_TO_SAY;

  const findings = remarks.map(({ finding }) => finding);
  const exceptions = remarks.flatMap(({ exceptedBy }) => exceptedBy ?? []);
  const denied = remarks.filter(({ level }) => level === 'deny').map(({ finding }) => formatFinding(finding));
  const warned = remarks.filter(({ level }) => level === 'warn').map(({ finding }) => formatFinding(finding));
  return {
    allowed: denied.length === 0,
    findings,
    warnings: [...new Set(warned.map(warningText))],
    ...(denied.length > 0 && { message: denialText(denied) }),
    audit: {
      code: [...new Set(findings.map(({ code }) => code))].join(','),
      finding: auditText(findings.map(formatFinding)),
      facts: facts.version,
      ...(exceptions.length > 0 && { exceptions: [...new Set(exceptions)].join(',') }),
    },
  };
}

/** Refusals that would not stand in the world as the user's intents make it become warnings. */
function softened(
  remarks: readonly Remark[],
  facts: Facts,
  change: Change,
  intents: readonly Change[],
): readonly Remark[] {
  const isDenial = ({ level }: Remark): boolean => level === 'deny';
  if (intents.length === 0 || !remarks.some(isDenial)) return remarks;
  const hoped = hopedWorld(facts, intents, change);
  const standing = [judgeService, judgeGateway, judgeConfiguration]
    .flatMap((rule) => rule(hoped.facts, change))
    .filter(isDenial);
  const strands = !isWorldChange(change) || strandsInHopedWorld(facts, change, hoped);
  const stands = ({ finding: { code, path } }: Remark): boolean => {
    if (isExcepted(hoped.facts.snapshot, change, code)) return false;
    return STRANDING.has(code)
      ? strands
      : standing.some(({ finding }) => finding.code === code && finding.path === path);
  };
  return remarks.map((remark) =>
    isDenial(remark) && !stands(remark) ? { ...remark, level: 'warn' } : remark,
  );
}

/** What there is to say about the change, each at the level that counts in its namespace. */
export function judge(facts: Facts, change: Change, intents: readonly Change[] = []): readonly Remark[] {
  if (!isJudged(change)) return [];
  const judged = RULES.flatMap((rule) => rule(facts, change));
  const excepted = withExceptions(facts.snapshot, change, judged);
  return softened(excepted, facts, change, intents).map((remark) => lowered(facts, change.namespace, remark));
}

/** What would be stored is judged, and what would be deleted; nothing of an object that is on its way out already. */
function isJudged({ operation, object, oldObject }: Change): boolean {
  if (operation === 'DELETE') return oldObject?.metadata.deletionTimestamp === undefined;
  return (
    (operation === 'CREATE' || operation === 'UPDATE') &&
    object !== undefined &&
    object.metadata.deletionTimestamp === undefined
  );
}

/** The namespace's label; the default where it has none, or one that is not a level. */
function enforcementLevel(facts: Facts, namespace: string): Level {
  const label = facts.labelsOf(namespace)?.[ENFORCE_LABEL];
  return label !== undefined && isLevel(label) ? label : facts.defaultLevel;
}

function isLevel(text: string): text is Level {
  return Object.hasOwn(SEVERITY, text);
}

/** No remark about what is in a namespace is more serious than the level there. */
export function lowered(facts: Facts, namespace: string, remark: Remark): Remark {
  const ceiling = enforcementLevel(facts, namespace);
  return SEVERITY[remark.level] <= SEVERITY[ceiling] ? remark : { ...remark, level: ceiling };
}
