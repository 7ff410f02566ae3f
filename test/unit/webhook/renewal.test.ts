import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { CertificateSet } from '../../../src/webhook/certificates.ts';
import {
  authoritiesIn,
  faultOfCertificates,
  issueCertificates,
  issuerOf,
} from '../../../src/webhook/certificates.ts';
import { isManagedByOthers, OVERLAP_MS, planRenewal } from '../../../src/webhook/renewal.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-11-20T12:00:00Z');
const HOSTS = ['metallb-webhook-service.metallb-system.svc'];
const NOTHING: CertificateSet = { caPem: '', caKeyPem: '', certPem: '', keyPem: '' };

let nowMs: number;
beforeEach(() => {
  nowMs = START_MS;
});

function plan(stored: CertificateSet, served?: CertificateSet, mayRotate = true) {
  return planRenewal({ stored, served, hosts: HOSTS, nowMs, mayRotate });
}

/** Plans, expects something to do, and that it serves. */
function renew(stored: CertificateSet, served?: CertificateSet): CertificateSet {
  const renewal = plan(stored, served);
  assert.ok(renewal);
  assert.equal(faultOfCertificates(renewal.set, HOSTS), undefined);
  return renewal.set;
}

test('nothing stored and nothing served: all is new', () => {
  assert.equal(plan(NOTHING)?.why, 'there were none');
  const set = renew(NOTHING);
  assert.equal(authoritiesIn(set.caPem).length, 1);
  assert.equal(plan(set), undefined);
});

test('a new authority joins the old one, signs an hour later, and is alone another hour later', () => {
  const first = renew(NOTHING);
  nowMs += 2434 * DAY_MS;
  const leaf = renew({ ...first, certPem: '' });
  assert.equal(leaf.caPem, first.caPem);

  // The authority is due, its certificate is not.
  const joined = renew(leaf);
  assert.deepEqual([joined.certPem, authoritiesIn(joined.caPem).length], [leaf.certPem, 2]);
  assert.equal(authoritiesIn(joined.caPem)[1], first.caPem);
  assert.notEqual(joined.caKeyPem, first.caKeyPem);
  nowMs += OVERLAP_MS - 1000;
  assert.equal(plan(joined), undefined);
  nowMs += 1000;
  const signed = renew(joined);
  assert.equal(signed.caPem, joined.caPem, 'what replicas still serve with is trusted');
  assert.equal(issuerOf(signed), authoritiesIn(joined.caPem)[0]);
  nowMs += OVERLAP_MS - 1000;
  assert.equal(plan(signed), undefined);
  nowMs += 1000;
  const alone = renew(signed);
  assert.deepEqual(alone, { ...signed, caPem: authoritiesIn(signed.caPem)[0] });
  assert.equal(plan(alone), undefined);
});

test('what was deleted or damaged is replaced like an authority that is due: what is served is trusted meanwhile', () => {
  const served = renew(NOTHING);
  for (const stored of [
    NOTHING,
    { ...NOTHING, caPem: 'garbage', certPem: 'garbage' },
    { ...served, caKeyPem: '' },
  ]) {
    const again = renew(stored, served);
    assert.equal(again.certPem, served.certPem);
    assert.equal(issuerOf(again), served.caPem);
    assert.notEqual(authoritiesIn(again.caPem)[0], served.caPem);
  }
});

test('what is served and no good any more is not kept', () => {
  const served = renew(NOTHING);
  nowMs += 91 * DAY_MS;
  const expired = renew(NOTHING, served);
  assert.notEqual(expired.certPem, served.certPem);
  assert.equal(authoritiesIn(expired.caPem).length, 1);
  assert.equal(
    planRenewal({ stored: NOTHING, served, hosts: ['other.svc'], nowMs: START_MS, mayRotate: false })?.set
      .certPem === served.certPem,
    false,
  );
});

test('replicas that are called by other names come to one certificate for all of them', () => {
  let stored = renew(NOTHING);
  const replicas = [
    [...HOSTS, '192.0.2.1'],
    [...HOSTS, '192.0.2.2', '2001:db8::2'],
  ];
  for (const hosts of replicas)
    stored = planRenewal({ stored, served: stored, hosts, nowMs, mayRotate: false })?.set ?? stored;
  for (const hosts of replicas)
    assert.equal(planRenewal({ stored, served: stored, hosts, nowMs, mayRotate: true }), undefined);
});

test('a clock that was wrong: certificates from the future are replaced by the one who may', () => {
  nowMs = START_MS + 365 * DAY_MS;
  const future = renew(NOTHING);
  nowMs = START_MS;
  assert.equal(plan(future, future, false), undefined);
  const now = renew(future, future);
  assert.equal(plan(now), undefined);
  // Two replicas whose clocks disagree by a year: only the one that may rotates.
  nowMs = START_MS + 365 * DAY_MS;
  assert.equal(plan(now, now, false), undefined);
});

test('a certificate without the authority’s key is somebody else’s', () => {
  const set = issueCertificates({ nowMs, hosts: HOSTS });
  assert.equal(isManagedByOthers(set), false);
  assert.equal(isManagedByOthers({ ...set, caKeyPem: '' }), true);
  assert.equal(isManagedByOthers(NOTHING), false);
  assert.equal(isManagedByOthers({ ...NOTHING, caPem: set.caPem }), false);
});
