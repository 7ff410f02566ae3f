import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { celOptional, celTyped, compileCel, mentions, withinTime } from '../../../src/standalone/cel.ts';

const VARIABLES = ['self', 'oldSelf'];

function valueOf(text: string, self: unknown = {}): unknown {
  const compiled = compileCel(text, VARIABLES, 'bool');
  assert.ok(compiled.ok, compiled.ok ? '' : `${text}: ${compiled.why}`);
  const result = compiled.program.evaluate({ self, oldSelf: celOptional(undefined) });
  return result.ok ? result.value : result.why;
}

function whyNot(text: string, result: 'bool' | 'string' = 'bool'): string {
  const compiled = compileCel(text, VARIABLES, result);
  assert.ok(!compiled.ok, `${text} compiled`);
  return compiled.why;
}

describe('expressions', () => {
  const self = {
    n: 5n,
    d: 1.5,
    text: 'metallb',
    list: [3n, 1n, 2n],
    items: [{ name: 'a', n: 1n }],
    map: { x: '1' },
    connectTime: '10s',
  };
  const right = [
    'self.n == 5 && self.n + 1 < 7 && self.n % 2 == 1',
    'self.d > 1 && self.d < 2.0',
    'has(self.text) && !has(self.nothing)',
    'self.list.all(x, x > 0) && self.list.exists(x, x == 2) && self.list.exists_one(x, x == 3)',
    "self.items.filter(i, i.n == 1).map(i, i.name) == ['a']",
    "self.map.all(k, k == 'x') && 'x' in self.map && self.map['x'] == '1'",
    'duration(self.connectTime).getSeconds() >= 1 && duration(self.connectTime).getSeconds() <= 65535',
    'duration(self.connectTime).getMilliseconds() % 1000 == 0',
    "self.text.matches('^met[a-z]+$') && self.text.startsWith('met') && self.text.size() == 7",
    '!oldSelf.hasValue() && oldSelf.orValue(3) == 3',
    'self.?nothing.orValue(1) == 1',
    "timestamp('2026-01-01T00:00:00Z') < timestamp('2027-01-01T00:00:00Z')",
    "isIP('10.0.0.1') && isIP('::1') && !isIP('010.0.0.1') && !isIP('10.0.0.0/8') && !isIP('::ffff:1.2.3.4')",
    "ip('10.0.0.1').family() == 4 && ip('fe80::1').family() == 6 && ip('fe80::1').isLinkLocalUnicast()",
    "ip('::1') == ip('0:0::1') && string(ip('0:0::1')) == '::1' && ip('127.0.0.1').isLoopback()",
    "ip('8.8.8.8').isGlobalUnicast() && !ip('224.0.0.1').isGlobalUnicast() && ip('224.0.0.1').isLinkLocalMulticast()",
    "ip('0.0.0.0').isUnspecified() && ip('::').isUnspecified() && !ip('::1').isUnspecified()",
    "isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0') && !isCIDR('10.0.0.0/33') && !isCIDR('10.0.0.0/08')",
    "cidr('10.0.0.0/8').containsIP('10.255.0.1') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
    "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))",
    "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.1.2.3/8').prefixLength() == 8",
    "string(cidr('10.1.2.3/8').ip()) == '10.1.2.3' && string(cidr('fd00::/8')) == 'fd00::/8'",
    '[1, 2, 2].isSorted() && !self.list.isSorted() && self.list.min() == 1 && self.list.max() == 3 && self.list.sum() == 6',
    '[1.5, 1.5].sum() == 3.0',
    "'a1b22'.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'x'.find('[0-9]') == ''",
    "'a.b.c'.replace('.', '-') == 'a-b-c' && 'abc'.charAt(1) == 'b'",
  ];
  for (const text of right) it(text, () => assert.equal(valueOf(text, self), true));

  const failing: [text: string, why: RegExp][] = [
    ['self.nothing == 1', /^No such key: nothing$/],
    ['self.n / 0 == 1', /^division by zero$/],
    ['self.list[9] == 1', /index out of bounds/],
    ['duration(self.text).getSeconds() == 1', /^Invalid duration string: /],
    ["ip('x').family() == 4", /IP Address "x" parse error/],
    ["cidr('x').prefixLength() == 4", /parse error/],
    ['[].min() == 1', /min called on empty list/],
  ];
  for (const [text, why] of failing)
    it(`${text} fails`, () => assert.match(String(valueOf(text, self)), why));

  const refused: [text: string, why: RegExp][] = [
    ['self.', /^compilation failed: Expected IDENTIFIER, got EOF$/],
    ['other == 1', /^compilation failed: Unknown variable: other$/],
    ['self.foo()', /^compilation failed: found no matching overload for 'dyn.foo\(\)'$/],
    ["quantity('1Gi') == self", /^compilation failed: found no matching overload/],
    ['1 + 1', /^cel expression must evaluate to a bool$/],
    ["self.matches('(')", /"\(" is no regular expression that this server understands$/],
    ["self.matches('(?i)a')", /no regular expression that this server understands$/],
    [`self == '${'x'.repeat(10_001)}'`, /longer than 10000 characters$/],
    [`${'('.repeat(300)}true${')'.repeat(300)}`, /maxDepth/],
    [`${'1+'.repeat(2_000)}1 == 1`, /maxAstNodes/],
  ];
  for (const [text, why] of refused)
    it(`${text.slice(0, 40)} does not compile`, () => assert.match(whyNot(text), why));
  it('of the largest size are evaluated', () => {
    assert.equal(valueOf(`${'1+'.repeat(990)}1 == 991`), true);
  });
  it('a message must be text', () =>
    assert.equal(whyNot('true', 'string'), 'messageExpression must evaluate to a string'));

  it('say which variables they read', () => {
    for (const [text, reads] of [
      ['self == oldSelf', true],
      ['self.all(i, i == oldSelf.x[0])', true],
      ["self == 'oldSelf'", false],
      ['has(self.oldSelf)', false],
    ] as const) {
      const compiled = compileCel(text, VARIABLES, 'bool');
      assert.ok(compiled.ok);
      assert.equal(mentions(compiled.program, 'oldSelf'), reads, text);
    }
  });

  it('are typed by the text of times', () => {
    assert.ok(celTyped('timestamp', '2026-01-01T00:00:00Z') instanceof Date);
    assert.equal(valueOf("self > duration('1s')", celTyped('duration', '2s')), true);
    assert.equal(celTyped('duration', 'x'), 'x');
  });

  it('never throw, whatever is written', () => {
    const word = fc.constantFrom(
      'self',
      '.a',
      '[0]',
      '(',
      ')',
      '==',
      '"x"',
      '1',
      '&&',
      '!',
      '?',
      ':',
      '.all(x, x)',
      'has(self.a)',
      ',',
      '{',
      '}',
      'ip(',
      '-',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(text, fc.jsonValue(), (expression, value) => {
        const compiled = compileCel(expression, VARIABLES, 'bool');
        if (compiled.ok) compiled.program.evaluate({ self: value, oldSelf: value });
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('withinTime', () => {
  it('breaks off what takes too long, loops and regular expressions alike', () => {
    const list = Array.from({ length: 500 }, (_, index) => BigInt(index));
    for (const [text, self] of [
      ['self.all(a, self.all(b, self.all(c, self.all(d, a + b + c + d >= 0))))', list],
      ["self.matches('(a+)+$')", `${'a'.repeat(40)}b`],
    ] as const)
      assert.equal(
        withinTime(20, () => valueOf(text, self)),
        'late',
      );
  });

  it('gives the value, and passes on what is thrown', () => {
    assert.deepEqual(
      withinTime(1_000, () => 7),
      { value: 7 },
    );
    assert.throws(() => withinTime(1_000, () => assert.fail('x')), /x/);
  });
});
