/** Which Services and Gateways concern us, as the API server can tell by itself. */

export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

const NOT_DELETED: MatchCondition = {
  name: 'is-not-being-deleted',
  expression: '!has(object.metadata.deletionTimestamp)',
};

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
    NOT_DELETED,
  ];
}

/** A Gateway without either wants nothing of any load balancer in particular. */
export function gatewayConditions(): MatchCondition[] {
  const expression = ['addresses', 'infrastructure'].map((field) => `has(object.spec.${field})`).join(' || ');
  return [{ name: 'wants-something', expression }, NOT_DELETED];
}
