/**
 * Every metric there is, as data: name, kind, help, labels. The names of MetalLB are kept (dashboards and alerts know them,
 * MetalLB 0.16 internal/*\/stats.go); what MetalLB has no name for is prefixed cleat_. A program makes its meter from its
 * own list, CONTROLLER_METRICS or SPEAKER_METRICS; both contain KUBE_METRICS, which kube/ and every webhook-less client need.
 */
import type { MetricDeclaration } from './metrics.ts';

const gauge = (name: string, help: string, ...labels: string[]): MetricDeclaration => ({
  name,
  type: 'gauge',
  help,
  labels,
});

const counter = (name: string, help: string, ...labels: string[]): MetricDeclaration => ({
  name,
  type: 'counter',
  help,
  labels,
});

/** Seconds: from a decision in memory to a slow API server. */
const DURATION_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
];

const histogram = (name: string, help: string, ...labels: string[]): MetricDeclaration => ({
  name,
  type: 'histogram',
  help,
  labels,
  buckets: DURATION_BUCKETS,
});

/** What the client of the API server and the event recorder measure. */
export const KUBE_METRICS: readonly MetricDeclaration[] = [
  counter('cleat_kube_requests_total', 'Answers of the API server, by HTTP status code.', 'method', 'code'),
  counter(
    'cleat_kube_watch_rounds_total',
    'Lists done and watches ended, by reason: streamed or listed (all there is was read), unstreamed (the server does not stream, so it is listed), ended, silent, broken (connection), garbled or an HTTP status code.',
    'resource',
    'reason',
  ),
  counter('cleat_events_written_total', 'Kubernetes Events written.'),
  counter('cleat_events_dropped_total', 'Kubernetes Events given up, by reason: full or failed.', 'reason'),
];

/** What both of MetalLB's programs measure about what they watch. */
const CONFIG_METRICS: readonly MetricDeclaration[] = [
  counter('metallb_k8s_client_updates_total', 'Changes of watched objects that were acted on.'),
  counter('metallb_k8s_client_update_errors_total', 'Changes of watched objects that could not be acted on.'),
  gauge(
    'metallb_k8s_client_config_loaded_bool',
    '1 once a configuration without faults has been in force, else 0.',
  ),
  gauge(
    'metallb_k8s_client_config_stale_bool',
    '1 while the latest configuration has faults and an earlier one stays in force, else 0.',
  ),
];

export const CONTROLLER_METRICS: readonly MetricDeclaration[] = [
  ...KUBE_METRICS,
  ...CONFIG_METRICS,
  gauge(
    'cleat_leader_election_leads',
    '1 on the replica that leads, 0 on those that follow, by Lease.',
    'name',
  ),
  gauge('metallb_allocator_addresses_total', 'Addresses a pool can give.', 'pool'),
  gauge('metallb_allocator_ipv4_addresses_total', 'IPv4 addresses a pool can give.', 'pool'),
  gauge('metallb_allocator_ipv6_addresses_total', 'IPv6 addresses a pool can give.', 'pool'),
  gauge(
    'metallb_allocator_addresses_in_use_total',
    'Addresses of a pool that Services hold; a shared one counts once.',
    'pool',
  ),
  gauge(
    'metallb_allocator_ipv4_addresses_in_use_total',
    'IPv4 addresses of a pool that Services hold.',
    'pool',
  ),
  gauge(
    'metallb_allocator_ipv6_addresses_in_use_total',
    'IPv6 addresses of a pool that Services hold.',
    'pool',
  ),
  histogram('cleat_controller_reconcile_seconds', 'Time to settle one Service, writing included.', 'result'),
  counter(
    'cleat_webhook_verdicts_total',
    'Admission answers, by verdict: allowed, warned, denied, or failed (an error of ours, which admits).',
    'resource',
    'verdict',
  ),
  histogram('cleat_webhook_verdict_seconds', 'Time to answer one admission review.', 'resource'),
];

export const SPEAKER_METRICS: readonly MetricDeclaration[] = [
  ...KUBE_METRICS,
  ...CONFIG_METRICS,
  gauge(
    'metallb_speaker_announced',
    '1 for each address this node has decided to announce; whether neighbours know it already is not measured.',
    'service',
    'protocol',
    'node',
    'ip',
  ),
  counter(
    'metallb_layer2_requests_received',
    'Questions received, by ARP or neighbour discovery, for an address this node answers for.',
    'ip',
  ),
  counter('metallb_layer2_responses_sent', 'Answers sent to such questions.', 'ip'),
  counter(
    'metallb_layer2_gratuitous_sent',
    'Announcements sent unasked: gratuitous ARP and unsolicited neighbour advertisements.',
    'ip',
  ),
];
