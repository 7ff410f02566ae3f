import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import {
  ADMINISTRATOR,
  authenticate,
  generateToken,
} from '../../../../../src/standalone/apiserver/http/authentication.ts';

const refusal = (headers: Record<string, string>, token: string): number | undefined => {
  try {
    authenticate(headers, token);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ApiError);
    return error.status.code;
  }
};

test('tokens have 256 bits and differ', () => {
  assert.equal(Buffer.from(generateToken(), 'base64url').length, 32);
  assert.notEqual(generateToken(), generateToken());
});

test('the token is the administrator, anything else is nobody', () => {
  const token = generateToken();
  assert.equal(authenticate({ authorization: `Bearer ${token}` }, token), ADMINISTRATOR);
  assert.equal(refusal({}, token), 401);
  assert.equal(refusal({ authorization: token }, token), 401);
  assert.equal(refusal({ authorization: `Bearer ${token.slice(1)}` }, token), 401);
  assert.equal(refusal({ authorization: 'Bearer ' }, ''), 401);
  assert.equal(refusal({ authorization: `Bearer ${token}`, 'impersonate-group': 'x' }, token), 403);
});
