/**
 * matchConditions of webhooks: expressions in CEL that must all be true for a webhook to be asked. As in kube-apiserver: one that is
 * false settles it, whatever the others do; otherwise one that fails is settled by failurePolicy.
 */
import type { Webhook } from '../../../api/kubernetes.ts';
import { compileCel, withinTime } from '../../cel.ts';
import type { Compiled } from '../../cel.ts';
import { toCel } from '../crd/cel-values.ts';
import type { AdmissionRequest, FieldFault } from '../definition.ts';
import { forbidden } from '../errors.ts';
import { faultsOfQualifiedName } from '../schema/names.ts';
import { reviewRequest } from './review.ts';

const VARIABLES = ['object', 'oldObject', 'request'];
const MOST_CONDITIONS = 64;
const LIMIT_MS = 1_000;

/** Whether a webhook is asked. Throws the 403 where that cannot be said and failurePolicy is Fail. */
export function meetsConditions(webhook: Webhook, version: string, request: AdmissionRequest): boolean {
  const conditions = webhook.matchConditions ?? [];
  if (conditions.length === 0) return true;
  const { object, oldObject, uid: _uid, ...rest } = reviewRequest('', version, request);
  const variables = {
    object: toCel(object, undefined),
    oldObject: toCel(oldObject, undefined),
    request: toCel(rest, undefined),
  };
  const failures: string[] = [];
  const evaluated = withinTime(LIMIT_MS, () =>
    conditions.every(({ expression }) => {
      const compiled = compile(expression);
      const result = compiled.ok ? compiled.program.evaluate(variables) : compiled;
      if (!result.ok) failures.push(`expression '${expression}' resulted in error: ${result.why}`);
      return !('value' in result) || result.value !== false;
    }),
  );
  if (evaluated === 'late') failures.push(`the match conditions took longer than ${LIMIT_MS} ms`);
  else if (!evaluated.value) return false;
  if (failures.length === 0) return true;
  if (webhook.failurePolicy === 'Ignore') return false;
  const why = failures.length === 1 ? `${failures[0]}` : `[${failures.join(', ')}]`;
  throw forbidden(request.definition.resource, request.name, why);
}

/** What is wrong with the conditions of a webhook when it is registered. */
export function conditionFaults(
  conditions: NonNullable<Webhook['matchConditions']>,
  path: string,
): FieldFault[] {
  const faults: FieldFault[] = [];
  if (conditions.length > MOST_CONDITIONS)
    faults.push({
      reason: 'TooMany',
      path,
      value: conditions.length,
      message: `must have at most ${MOST_CONDITIONS} items`,
    });
  for (const [index, { name, expression }] of conditions.entries()) {
    const at = `${path}[${index}]`;
    if (name === '') faults.push({ reason: 'Required', path: `${at}.name`, message: '' });
    else
      for (const message of faultsOfQualifiedName(name))
        faults.push({ reason: 'Invalid', path: `${at}.name`, value: name, message });
    const trimmed = expression.trim();
    const compiled = compile(trimmed);
    if (trimmed === '') faults.push({ reason: 'Required', path: `${at}.expression`, message: '' });
    else if (!compiled.ok)
      faults.push({
        reason: 'Invalid',
        path: `${at}.expression`,
        value: trimmed,
        message: /\bauthorizer\b/.test(compiled.why)
          ? `${compiled.why} (the embedded API server has no authorizer: whoever has its token may do everything)`
          : compiled.why,
      });
  }
  return faults;
}

/** What was compiled before. A registration is read anew for every request. */
const programs = new Map<string, Compiled>();
const MOST_PROGRAMS = 1_000;

function compile(expression: string): Compiled {
  let compiled = programs.get(expression);
  if (compiled === undefined) {
    compiled = compileCel(expression, VARIABLES, 'bool');
    if (programs.size >= MOST_PROGRAMS) programs.clear();
    programs.set(expression, compiled);
  }
  return compiled;
}
