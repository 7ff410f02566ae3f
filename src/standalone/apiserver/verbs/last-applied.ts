/**
 * The annotation in which client-side `kubectl apply` keeps what it applied last. Where an object has it, a server-side apply by
 * kubectl renews it, so that going back to client-side apply later finds the truth.
 */
import type { Stored } from '../definition.ts';
import type { Call } from './call.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export function keepLastApplied(call: Call, object: Stored, configuration: Stored): void {
  const annotations = object.metadata.annotations;
  if (call.manager !== 'kubectl' || annotations?.[LAST_APPLIED] === undefined) return;
  const { annotations: applied, ...metadata } = configuration.metadata;
  const { [LAST_APPLIED]: _last, ...others } = applied ?? {};
  const kept = { ...configuration, metadata: { ...metadata, annotations: others } };
  object.metadata.annotations = { ...annotations, [LAST_APPLIED]: `${JSON.stringify(kept)}\n` };
}
