/** Whether a label selector inside an object can be evaluated, with kube-apiserver's sentences. */
import type { LabelSelector } from '../../../api/meta.ts';
import type { FieldFault } from '../definition.ts';
import { faultsOfLabelValue, faultsOfQualifiedName } from '../schema/names.ts';

export function selectorFaults(
  path: string,
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
): FieldFault[] {
  const faults: FieldFault[] = [];
  const invalid = (at: string, value: string, messages: readonly string[]): void => {
    faults.push(
      ...messages.map((message): FieldFault => ({
        reason: 'Invalid',
        path: `${path}.${at}`,
        value,
        message,
      })),
    );
  };
  for (const [key, value] of Object.entries(matchLabels)) {
    invalid('matchLabels', key, faultsOfQualifiedName(key));
    invalid('matchLabels', value, faultsOfLabelValue(value));
  }
  for (const [index, { key, operator, values = [] }] of matchExpressions.entries()) {
    const at = `matchExpressions[${index}]`;
    invalid(`${at}.key`, key, faultsOfQualifiedName(key));
    for (const [valueIndex, value] of values.entries())
      invalid(`${at}.values[${valueIndex}]`, value, faultsOfLabelValue(value));
    if (operator === 'In' || operator === 'NotIn') {
      const message = "must be specified when `operator` is 'In' or 'NotIn'";
      if (values.length === 0) faults.push({ reason: 'Required', path: `${path}.${at}.values`, message });
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      const message = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      if (values.length > 0) faults.push({ reason: 'Forbidden', path: `${path}.${at}.values`, message });
    } else {
      invalid(`${at}.operator`, operator, ['not a valid selector operator']);
    }
  }
  return faults;
}
