/** A node:test reporter that writes one JSON object: how many tests passed, failed and were skipped. Suites do not count. */
import type { TestEvent } from 'node:test/reporters';

export default async function* count(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { details, skip } = event.data;
    if (skip !== undefined && skip !== false) {
      counts.skipped += 1;
      console.error(`skipped: ${event.data.name}${typeof skip === 'string' ? `: ${skip}` : ''}`);
    } else if (event.type === 'test:fail') counts.failed += 1;
    else if (details.type !== 'suite') counts.passed += 1;
  }
  yield JSON.stringify(counts);
}
