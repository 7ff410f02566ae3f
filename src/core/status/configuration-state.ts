/**
 * ConfigurationState: what one program makes of the configuration (MetalLB api/v1beta1/configurationstate_types.go,
 * internal/k8s/controllers/configuration_state_controller.go), with MetalLB's condition types, reasons and sentences.
 */
import type { Finding } from '../../api/findings.ts';
import { formatFinding } from '../../api/findings.ts';
import type { Condition } from '../../api/meta.ts';
import type { ConfigurationState } from '../../api/metallb.ts';
import { isFault } from '../config/load.ts';

type Status = NonNullable<ConfigurationState['status']>;

/** The condition of each program. */
export const CONTROLLER_CONDITION = 'poolReconcilerValid';
export const SPEAKER_CONDITION = 'configReconcilerValid';

/** The API server's bound for a condition's message. */
const LONGEST_MESSAGE = 32_768;
/** Only while there is something to tell: another host answers for an address that this node would announce. */
const CONFLICT_CONDITION = 'cleat.dev/AddressConflict';
const PREFIX = 'configuration error: ';

/**
 * The status for what was found, at `now` (RFC 3339): the time of transition changes only when the condition's status does.
 * undefined where the stored one says the same. Conditions of others stay. `conflicts`: a sentence for each address that
 * another host answers for; they leave the result as it is.
 */
export function configurationStatus(
  type: string,
  findings: readonly Finding[],
  stored: Status | undefined,
  now: string,
  conflicts: readonly string[] = [],
): Status | undefined {
  const sentences = findings.filter(isFault).map(describe);
  const message = sentences.length === 0 ? '' : cutMessage(PREFIX + sentences.join('; '));
  const before = stored?.conditions?.find((condition) => condition.type === type);
  const ok = sentences.length === 0;
  const status = ok ? 'True' : 'False';
  const condition: Condition = {
    type,
    status,
    reason: ok ? 'Reconciled' : 'ConfigurationError',
    message,
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
  };
  const result = ok ? 'Valid' : 'Invalid';
  const conflicted = stored?.conditions?.find((it) => it.type === CONFLICT_CONDITION);
  const conflict: Condition = {
    type: CONFLICT_CONDITION,
    status: 'True',
    reason: 'AnsweredByAnotherHost',
    message: cutMessage(conflicts.join('; ')),
    lastTransitionTime: conflicted?.lastTransitionTime ?? now,
  };
  const same =
    stored?.result === result &&
    (stored.errorSummary ?? '') === message &&
    before?.status === status &&
    before.reason === condition.reason &&
    before.message === message &&
    (conflicted?.message ?? '') === conflict.message;
  const conditions = conflicts.length === 0 ? [condition] : [condition, conflict];
  return same ? undefined : { result, errorSummary: message, conditions };
}

function describe(finding: Finding): string {
  const { kind, namespace = '', name } = finding.object;
  return `${kind} ${namespace}/${name}: ${formatFinding(finding)}`;
}

/** As much of a condition's message as the API server takes. */
export function cutMessage(text: string): string {
  return text.length <= LONGEST_MESSAGE ? text : `${text.slice(0, LONGEST_MESSAGE - 1)}…`;
}
