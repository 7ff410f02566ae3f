import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHumanDuration } from '../../../../src/standalone/apiserver/human-duration.ts';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const YEAR = 365 * DAY;

/** Those of k8s.io/apimachinery/pkg/util/duration. */
const EXAMPLES: [seconds: number, text: string][] = [
  [-2, '<invalid>'],
  [-1, '0s'],
  [0, '0s'],
  [70, '70s'],
  [2 * MINUTE, '2m'],
  [3 * MINUTE + 10, '3m10s'],
  [10 * MINUTE, '10m'],
  [70 * MINUTE, '70m'],
  [179 * MINUTE, '179m'],
  [3 * HOUR, '3h'],
  [3 * HOUR + 7 * MINUTE, '3h7m'],
  [8 * HOUR, '8h'],
  [47 * HOUR, '47h'],
  [2 * DAY, '2d'],
  [2 * DAY + HOUR, '2d1h'],
  [8 * DAY, '8d'],
  [70 * DAY, '70d'],
  [729 * DAY, '729d'],
  [2 * YEAR, '2y'],
  [2 * YEAR + 7 * DAY, '2y7d'],
  [9 * YEAR, '9y'],
];

for (const [seconds, text] of EXAMPLES) {
  test(`${seconds} s is ${text}`, () => assert.equal(formatHumanDuration(seconds * 1000), text));
}
