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
    'Lists done and watches ended, by reason: listed, ended, silent, broken (connection), garbled or an HTTP status code.',
    'resource',
    'reason',
  ),
  counter('cleat_events_written_total', 'Kubernetes Events written.'),
  counter('cleat_events_dropped_total', 'Kubernetes Events given up, by reason: full or failed.', 'reason'),
];

/** What both of MetalLB's programs measure about what they watch. */
const CONFIG_METRICS: readonly MetricDeclaration[] = [
  counter('metallb_k8s_client_updates_total', 'Number of k8s object updates that have been processed.'),
  counter(
    'metallb_k8s_client_update_errors_total',
    'Number of k8s object updates that failed for some reason.',
  ),
  gauge(
    'metallb_k8s_client_config_loaded_bool',
    '1 if the configuration was successfully loaded at least once.',
  ),
  gauge(
    'metallb_k8s_client_config_stale_bool',
    '1 if running on a stale configuration, because the latest one is bad.',
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
  gauge('metallb_allocator_addresses_total', 'Number of usable IP addresses, per pool.', 'pool'),
  gauge('metallb_allocator_ipv4_addresses_total', 'Number of usable IPv4 addresses, per pool.', 'pool'),
  gauge('metallb_allocator_ipv6_addresses_total', 'Number of usable IPv6 addresses, per pool.', 'pool'),
  gauge('metallb_allocator_addresses_in_use_total', 'Number of IP addresses in use, per pool.', 'pool'),
  gauge(
    'metallb_allocator_ipv4_addresses_in_use_total',
    'Number of IPv4 addresses in use, per pool.',
    'pool',
  ),
  gauge(
    'metallb_allocator_ipv6_addresses_in_use_total',
    'Number of IPv6 addresses in use, per pool.',
    'pool',
  ),
  histogram('cleat_controller_reconcile_seconds', 'Time to settle one Service, writing included.', 'result'),
  counter(
    'cleat_webhook_verdicts_total',
    'Admission answers, by verdict: allowed, warned or denied.',
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
    'Services being announced from this node. This is desired state, it does not guarantee that the routing protocols have converged.',
    'service',
    'protocol',
    'node',
    'ip',
  ),
  counter('metallb_layer2_requests_received', 'Number of layer2 requests received for owned IPs.', 'ip'),
  counter(
    'metallb_layer2_responses_sent',
    'Number of layer2 responses sent for owned IPs in response to requests.',
    'ip',
  ),
  counter(
    'metallb_layer2_gratuitous_sent',
    'Number of gratuitous layer2 packets sent for owned IPs as a result of failovers.',
    'ip',
  ),
];
