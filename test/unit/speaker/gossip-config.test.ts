import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LAN } from '../../../src/protocol/memberlist/config.ts';
import { parseGossipConfig } from '../../../src/speaker/gossip-config.ts';

test('what is written stands on the settings for local networks', () => {
  const parsed = parseGossipConfig(
    JSON.stringify({
      TCPTimeout: '5s',
      ProbeInterval: '1.5s',
      ProbeTimeout: '750ms',
      PushPullInterval: '0s',
      GossipNodes: 2,
      SuspicionMult: 6,
      DisableTcpPings: true,
      GossipVerifyIncoming: false,
      // Of the library's inside, and of another version of it.
      EnableCompression: true,
      HandoffQueueDepth: 1024,
      Unknown: {},
    }),
  );
  assert.deepEqual(parsed, {
    ok: true,
    verifyIncoming: false,
    verifyOutgoing: true,
    config: {
      ...LAN,
      tcpTimeoutMs: 5000,
      probeIntervalMs: 1500,
      probeTimeoutMs: 750,
      pushPullIntervalMs: 0,
      gossipNodes: 2,
      suspicionMult: 6,
      disableTcpPings: true,
    },
  });
  assert.deepEqual(parseGossipConfig('{}'), {
    ok: true,
    verifyIncoming: true,
    verifyOutgoing: true,
    config: LAN,
  });
});

test('what cannot be is refused with key, value and remedy', () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    '': /no JSON object/,
    '[]': /no JSON object/,
    '{"ProbeInterval": 5}': /ProbeInterval is 5; write a duration/,
    '{"ProbeInterval": "0s"}': /ProbeInterval is "0s"/,
    '{"ProbeInterval": "-1s"}': /ProbeInterval is "-1s"/,
    '{"ProbeTimeout": "soon"}': /ProbeTimeout is "soon"/,
    '{"GossipNodes": 0}': /GossipNodes is 0; write a whole number from 1/,
    '{"GossipNodes": 1.5}': /GossipNodes is 1.5/,
    '{"GossipNodes": "3"}': /GossipNodes is "3"/,
    '{"DisableTcpPings": 1}': /DisableTcpPings is 1; write true or false/,
  };
  for (const [text, sentence] of Object.entries(wrong)) {
    const parsed = parseGossipConfig(text);
    assert.ok(!parsed.ok && sentence.test(parsed.why), text);
  }
});
