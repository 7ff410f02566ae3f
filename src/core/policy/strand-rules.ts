/**
 * What a change of pools does to those who have their addresses. It is said, not refused: the pool is its author's, and a
 * deletion is nobody's to refuse.
 */
import type { Finding } from '../../api/findings.ts';
import { CONFIG_MAPS } from '../../api/kubernetes.ts';
import { LEGACY_CONFIG_MAP } from '../../api/metallb.ts';
import { Ledger } from '../allocation/ledger.ts';
import type { ConfigInput } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import type { Pool, Snapshot } from '../config/snapshot.ts';
import { EMPTY_SNAPSHOT } from '../config/snapshot.ts';
import { formatAddress } from '../net/address.ts';
import type { Change, ConfigMapChange, Facts, PoolChange, Remark } from './facts.ts';

/** Named one by one; the others are counted. */
const NAMED = 2;

/** Services whose addresses no pool would have any more. */
export function judgeStranding(facts: Facts, change: Change): readonly Remark[] {
  if (change.kind !== 'IPAddressPool' && change.kind !== 'ConfigMap') return [];
  const { namespace } = facts.configInput;
  const isConfiguration =
    change.namespace === namespace && (change.kind === 'IPAddressPool' || change.name === LEGACY_CONFIG_MAP);
  if (!facts.loaded || !isConfiguration) return [];
  const pools = [...facts.snapshot.pools.values()].filter((pool) => isOf(pool, change));
  const holders = facts.ledger.holdersIn(new Set(pools.map(({ name }) => name)));
  const after = holders.length === 0 ? undefined : poolsAfter(facts.configInput, change);
  if (after === undefined) return [];
  const then = new Ledger();
  then.setPools(after);
  const lost = holders.toSorted().flatMap((key) => {
    const gone = (facts.ledger.holding(key)?.addresses ?? []).filter(
      (address) => then.poolOf(address) === undefined || then.isAvoided(address),
    );
    return gone.length === 0 ? [] : `${key} ${gone.map(formatAddress).join(' and ')}`;
  });
  return lost.length === 0 ? [] : [{ finding: stranding(change, lost), level: 'warn' }];
}

function isOf({ source }: Pool, change: PoolChange | ConfigMapChange): boolean {
  return change.kind === 'ConfigMap' ? source.kind === CONFIG_MAPS.kind : source.name === change.name;
}

/**
 * What would be left of the changed object's pools. Pools do not overlap, so whoever loses an address here finds it in no
 * other. Undefined where the object has faults: it would not come into force.
 */
function poolsAfter(input: ConfigInput, change: PoolChange | ConfigMapChange): Snapshot | undefined {
  if (change.object === undefined) return EMPTY_SNAPSHOT;
  const { namespace, namespaces } = input;
  const alone = { namespace, namespaces, l2Advertisements: [] };
  if (change.kind === 'IPAddressPool') return loadConfig({ ...alone, pools: [change.object] }).snapshot;
  const { legacy } = change;
  return loadConfig({ ...alone, pools: [], ...(legacy !== undefined && { legacy }) }).snapshot;
}

function stranding(change: PoolChange | ConfigMapChange, lost: readonly string[]): Finding {
  const { kind, namespace, name } = change;
  const named = lost.slice(0, NAMED).join(', ');
  const more = lost.length > NAMED ? ` and ${lost.length - NAMED} more` : '';
  const whose =
    lost.length === 1 ? 'a Service loses its address' : `${lost.length} Services lose their addresses`;
  return {
    code: change.object === undefined ? 'LB229' : 'LB228',
    object: { kind, namespace, name },
    path: kind === 'ConfigMap' ? 'data.config' : 'spec.addresses',
    message: `${whose}: ${named}${more}`,
  };
}
