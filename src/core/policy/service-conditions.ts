/** Which Services concern us, as the API server can tell by itself. */

export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

/** CEL, evaluated by the API server before it asks anybody. */
export function serviceConditions(loadBalancerClass: string | undefined): MatchCondition[] {
  return [
    { name: 'is-load-balancer', expression: "has(object.spec.type) && object.spec.type == 'LoadBalancer'" },
    {
      name: 'is-our-class',
      expression:
        loadBalancerClass === undefined
          ? '!has(object.spec.loadBalancerClass)'
          : `has(object.spec.loadBalancerClass) && object.spec.loadBalancerClass == ${JSON.stringify(loadBalancerClass)}`,
    },
    { name: 'is-not-being-deleted', expression: '!has(object.metadata.deletionTimestamp)' },
  ];
}
