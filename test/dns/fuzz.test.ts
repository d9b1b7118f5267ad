import packet from 'dns-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MessageReader } from '../../src/dns/message-reader.ts';
import { guard } from '../../src/dns/question.ts';
import { StoredAnswer } from '../../src/dns/stored-answer.ts';
import { UpstreamError } from '../../src/dns/upstream.ts';
import { inspectAnswer, type UpstreamAnswer } from '../../src/dns/upstream-answer.ts';
import { addressScope, isPrivateScope } from '../../src/net/address.ts';
import { framed, question } from './ask.ts';
import { a, answerTo, soa } from './fake-upstream.ts';
import { dice, mutate } from './mutation.ts';
import { RECORDED_QUESTIONS } from './recorded.ts';
import { type BareResponder, bareResponder } from './responder.ts';
import { PUBLIC, SERVER, ZONE } from './site.ts';

const ROUNDS = 30_000;
const SEED = 20_261_122;
const MAX_CPU_MS = 1;

const QUESTIONS = [
  ...RECORDED_QUESTIONS,
  ...[
    `192-168-1-10.${ZONE}`,
    `fd00--10.${ZONE}`,
    `192-168-1-77.${ZONE}`,
    ZONE,
    `a.b.${ZONE}`,
    'films.example.org',
    'www.example',
  ].flatMap((name) => ['A', 'AAAA', 'HTTPS', 'ANY'].map((type) => question(name, type, { edns: {} }))),
];

function describe(message: Buffer): string {
  return `seed ${SEED}: ${message.toString('hex')}`;
}

/** Least of several runs: the machine's other work is not the packet's. */
function cpuMs(work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5 && least > MAX_CPU_MS; run++) {
    const started = performance.now();
    work();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

const questions = suite('fuzzed questions');

questions('get silence or a lawful answer, never an exception, in less than a millisecond', () => {
  const responder = bareResponder();
  const roll = dice(SEED);
  let answered = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const message = mutate(QUESTIONS[roll(QUESTIONS.length)]!, roll);
    let reply: Buffer | undefined;
    const tookMs = cpuMs(() => {
      reply = responder.ask(message);
    });
    assert.ok(tookMs < MAX_CPU_MS, `${tookMs} ms for ${describe(message)}`);
    if (reply === undefined) continue;
    answered += 1;
    assert.is(reply.readUInt16BE(0), message.readUInt16BE(0), describe(message));
    assert.is(reply[2]! & 0x80, 0x80, describe(message));
    assert.ok(reply.length <= 1232, describe(message));
    assert.not.throws(() => packet.decode(reply!), describe(message));
  }
  assert.ok(answered > ROUNDS / 4, `${answered} were answered`);
});

questions('lead nowhere but to the addresses of this site and those that a public name spells', () => {
  const allowed = new Set(['192.168.1.5', 'fd00::5', '10.7.0.5']);
  const responder = bareResponder();
  const roll = dice(SEED + 1);
  for (let round = 0; round < ROUNDS; round++) {
    const message = mutate(QUESTIONS[roll(QUESTIONS.length)]!, roll);
    const reply = responder.ask(message);
    if (reply === undefined || reply.readUInt16BE(6) === 0) continue;
    for (const answer of packet.decode(reply).answers ?? []) {
      if (answer.type !== 'A' && answer.type !== 'AAAA') continue;
      assert.ok(
        allowed.has(answer.data) || addressScope(answer.data) === 'public',
        `${answer.data} for ${describe(message)}`,
      );
      assert.is.not(answer.data, SERVER);
      assert.is.not(answer.data, PUBLIC);
    }
  }
});

questions('are read alike by the direct path and by the careful one', () => {
  // The careful path is taken by a responder whose zone is too long for the direct one: the same labels, another zone.
  const longZone = `${'x'.repeat(60)}.${'y'.repeat(60)}.example`;
  const [direct, careful] = [ZONE, longZone].map((name) =>
    bareResponder({ values: { zones: [{ name, holdsCertificate: true }] } }),
  ) as [BareResponder, BareResponder];
  const roll = dice(SEED + 2);
  const labels = [
    '192-168-1-10',
    'fd00--10',
    '192-168-1-77',
    '9-9-9-9',
    '--1',
    '192-168-1-010',
    'www',
    'FD00-0-0-0-0-0-0-10',
    '84-112-33-7',
  ];
  for (let round = 0; round < 3000; round++) {
    const label = mutate(Buffer.from(labels[roll(labels.length)]!), roll)
      .toString('latin1')
      .replace(/[^0-9a-zA-Z-]/g, '-')
      .slice(0, 63);
    if (label === '') continue;
    const type = ['A', 'AAAA', 'HTTPS'][roll(3)]!;
    const options = roll(2) === 0 ? {} : { edns: { flags: roll(2) * 0x8000 } };
    const outcome = (responder: BareResponder, zone: string) => {
      const {
        answers = [],
        authorities = [],
        additionals = [],
        ...head
      } = packet.decode(responder.ask(question(`${label}.${zone}`, type, options))!);
      const data = answers.map((answer) => ('data' in answer ? answer.data : undefined));
      return [(head as unknown as { rcode: string }).rcode, head.flags, data, authorities.length, additionals];
    };
    assert.equal(outcome(direct, ZONE), outcome(careful, longZone), `${label} ${type}`);
  }
});

/** A root question with additional records whose bytes are given in hexadecimal. */
function withAdditional(count: number, hex: string): Buffer {
  const message = Buffer.from(`123401000001000000000000${'0000010001'}${hex}`, 'hex');
  message.writeUInt16BE(count, 10);
  return message.subarray(0, 4096);
}

questions('made to be slow cost less than a millisecond', () => {
  const responder = bareResponder();
  const start = 17;
  const pointersForward = Array.from({ length: 2000 }, (_, index) =>
    (0xc000 | (start + 2 * index + 2)).toString(16),
  ).join('');
  const slow: Record<string, Buffer> = {
    'a chain of two thousand pointers': withAdditional(2, pointersForward),
    'a thousand empty options': withAdditional(1, `00002904d0000000000fa0${'fde90000'.repeat(1000)}`),
    'options of client subnets': withAdditional(1, `00002904d0000000000f00${'00080008000120000a000001'.repeat(320)}`),
    'an option of four kilobytes': withAdditional(1, `00002904d0000000000fa0000f0f9c${'41'.repeat(3996)}`),
    'names of the greatest length': withAdditional(
      2,
      `${'3f'.repeat(64).repeat(3)}3d${'61'.repeat(61)}00002904d00000000000000000`,
    ),
  };
  for (const [what, message] of Object.entries(slow)) {
    for (let warmUp = 0; warmUp < 50; warmUp++) responder.ask(message);
    const tookMs = cpuMs(() => responder.ask(message));
    assert.ok(tookMs < MAX_CPU_MS, `${what}: ${tookMs} ms`);
  }
});

questions.run();

const ANSWERED = question('www.example', 'A');
const GUARDED = guard(ANSWERED);
const ANSWERS = [
  answerTo(ANSWERED, { answers: [a('www.example', '9.9.9.9'), a('www.example', '192.168.1.1')] }),
  answerTo(ANSWERED, {
    answers: [{ type: 'CNAME', name: 'www.example', ttl: 9, data: 'x.example' }, a('x.example', '10.0.0.1')],
  }),
  answerTo(ANSWERED, {
    answers: [{ type: 'AAAA', name: 'www.example', ttl: 9, data: '2606:4700::1' }],
    authorities: [soa('example')],
  }),
  answerTo(ANSWERED, { rcode: 3, authorities: [soa('example')] }),
  answerTo(ANSWERED, {
    answers: [{ type: 'TXT', name: 'www.example', ttl: 9, data: ['a'.repeat(200), 'b'] }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 1232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  }),
  answerTo(ANSWERED, { answers: Array.from({ length: 100 }, (_, index) => a('www.example', `9.9.9.${index}`)) }),
  Buffer.concat([
    answerTo(ANSWERED).fill(0, 6, 7).fill(1, 7, 8),
    Buffer.from('c00c00410001000001 2c001a000100000100030268320004000809090909c0a80101'.replaceAll(' ', ''), 'hex'),
  ]),
];

/** The inspection's result, or undefined when it refused with the one error it may throw. */
function inspected(message: Buffer): UpstreamAnswer | undefined {
  try {
    return inspectAnswer(message);
  } catch (error) {
    assert.instance(error, UpstreamError, describe(message));
    return undefined;
  }
}

const answers = suite('fuzzed upstream answers');

answers('are refused or relayed within bounds, in less than a millisecond, and hide no private address', () => {
  const roll = dice(SEED + 3);
  if (GUARDED.verdict !== 'question') throw new Error('the question itself is refused');
  const asked = GUARDED.question;
  let relayed = 0;
  let caught = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const message = mutate(ANSWERS[roll(ANSWERS.length)]!, roll);
    // The exchange has compared the question before; a changed one never comes this far.
    if (
      message.length < asked.end ||
      message.compare(ANSWERED, 12, asked.end, 12, asked.end) !== 0 ||
      message.readUInt16BE(4) !== 1
    )
      continue;
    let answer: UpstreamAnswer | undefined;
    const tookMs = cpuMs(() => {
      answer = inspected(message);
    });
    assert.ok(tookMs < MAX_CPU_MS, `${tookMs} ms for ${describe(message)}`);
    if (answer === undefined) continue;
    if (answer.privateAddress !== undefined) {
      caught += 1;
      continue;
    }
    relayed += 1;
    const stored = new StoredAnswer(answer.message, answer.records);
    for (const maxBytes of [512, 1232]) {
      const copy = stored.copyFor(
        { question: asked, edns: { version: 0, payloadBytes: 1232, dnssecOk: false }, maxBytes },
        performance.now(),
      );
      assert.ok(copy.length <= maxBytes, describe(message));
    }
    for (const record of decodedOrNone(message)) {
      if (record.type !== 'A' && record.type !== 'AAAA') continue;
      assert.not.ok(isPrivateScope(record.data), `${record.data} in ${describe(message)}`);
    }
  }
  assert.ok(relayed > 500 && caught > 500, `${relayed} relayed, ${caught} caught`);
});

function decodedOrNone(message: Buffer) {
  try {
    const { answers = [], authorities = [], additionals = [] } = packet.decode(message);
    return [...answers, ...authorities, ...additionals];
  } catch {
    return [];
  }
}

answers('a worst case of each kind costs less than a millisecond', () => {
  const pointers = Buffer.concat([answerTo(ANSWERED), Buffer.alloc(60_000, 0xc0)]);
  pointers.writeUInt16BE(0xffff, 6);
  const records = Buffer.concat([
    answerTo(ANSWERED),
    ...Array.from({ length: 512 }, () => Buffer.from('00001000010000000900 0548656c6c6f'.replace(' ', ''), 'hex')),
  ]);
  records.writeUInt16BE(512, 6);
  const hints = Buffer.concat([
    answerTo(ANSWERED),
    Buffer.from('c00c0041000100000009f5f7000100', 'hex'),
    Buffer.from('0004f5f0', 'hex'),
    Buffer.alloc(0xf5f0, 9),
  ]);
  hints.writeUInt16BE(1, 6);
  const addresses = answerTo(ANSWERED, {
    answers: Array.from({ length: 128 }, (_, index) => a('w', `9.${index}.9.9`)),
  });
  for (const message of [pointers, records, hints, addresses]) {
    for (let warmUp = 0; warmUp < 20; warmUp++) inspected(message);
    const tookMs = cpuMs(() => inspected(message));
    assert.ok(tookMs < MAX_CPU_MS, `${tookMs} ms for ${message.length} bytes`);
  }
});

answers.run();

const streams = suite('fuzzed streams');

streams('are cut into the same messages however they arrive', () => {
  const roll = dice(SEED + 4);
  for (let round = 0; round < 500; round++) {
    const messages = Array.from({ length: 1 + roll(6) }, () => QUESTIONS[roll(QUESTIONS.length)]!);
    const stream = Buffer.concat(messages.map(framed));
    const reader = new MessageReader(4096);
    const read: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const size = 1 + roll(80);
      read.push(...(reader.push(stream.subarray(at, at + size)) ?? []));
      at += size;
    }
    assert.equal(read.map(String), messages.map(String));
    assert.not.ok(reader.isInside);
  }
});

streams.run();
