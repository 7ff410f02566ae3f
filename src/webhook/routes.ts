/** What is answered on which path: reviews to whoever is known, the rest to everybody. */
import type { Route } from '../platform/http.ts';
import type { AnswerDeps } from './answer.ts';
import { answerReview } from './answer.ts';
import { REVIEW_PATHS } from './gates.ts';
import { answerMutation } from './mutate.ts';
import { MUTATION_PATH } from './mutating-registration.ts';
import { answerSelfTest, SELF_TEST_PATH } from './self-test.ts';

/** `whyNotReady` says why this replica should not be asked. */
export function routes(deps: AnswerDeps, whyNotReady: () => string | undefined): readonly Route[] {
  const reviews = REVIEW_PATHS.map((path) => review(path, ({ body }) => answerReview(body, deps)));
  return [
    ...reviews,
    review(MUTATION_PATH, ({ body }) => answerMutation(body, deps)),
    review(SELF_TEST_PATH, ({ body }) => answerSelfTest(body)),
    { method: 'GET', path: '/healthz', handle: () => ({ status: 200, body: 'ok\n' }) },
    {
      method: 'GET',
      path: '/readyz',
      handle: () => {
        const missing = whyNotReady();
        return { status: missing === undefined ? 200 : 503, body: `${missing ?? 'ok'}\n` };
      },
    },
  ];
}

function review(path: string, handle: Route['handle']): Route {
  return { method: 'POST', path, handle, onlyKnown: true };
}
