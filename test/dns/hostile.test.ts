import { once } from 'node:events';
import type { Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inTime } from '../support/in-time.ts';
import { decode, exchange, framed, isIgnored, openTcp, question, readMessages } from './ask.ts';
import { GATEWAY, withDns, ZONE } from './site.ts';

const NAME = `192-168-1-10.${ZONE}`;
const PROPER = question(NAME, 'A', { id: 99 });

const RCODES: Record<number, string> = { 0: 'NOERROR', 1: 'FORMERR', 3: 'NXDOMAIN', 4: 'NOTIMP', 5: 'REFUSED' };

/** A copy of a proper question with some bytes changed. */
function bent(changes: Record<number, number>, message = PROPER): Buffer {
  const copy = Buffer.from(message);
  for (const [at, value] of Object.entries(changes)) copy[Number(at)] = value;
  return copy;
}

/** A header with given counts and raw bytes behind it. */
function raw(counts: readonly [number, number, number, number], body: readonly number[]): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(0x1234, 0);
  header[2] = 1;
  counts.forEach((count, index) => {
    header.writeUInt16BE(count, 4 + 2 * index);
  });
  return Buffer.concat([header, Buffer.from(body)]);
}

const ROOT_A = [0, 0, 1, 0, 1];
const OPT = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];

const messages = suite('messages that are no proper question');

messages('get the error that the RFCs name, with their id and nothing else', async () => {
  const wrong: Record<string, [Buffer, string]> = {
    'opcode IQUERY': [bent({ 2: 0x09 }), 'NOTIMP'],
    'opcode STATUS': [bent({ 2: 0x11 }), 'NOTIMP'],
    'opcode NOTIFY': [bent({ 2: 0x21 }), 'NOTIMP'],
    'opcode UPDATE': [bent({ 2: 0x29 }), 'NOTIMP'],
    'no question': [raw([0, 0, 0, 0], []), 'FORMERR'],
    'two questions': [raw([2, 0, 0, 0], [...ROOT_A, ...ROOT_A]), 'FORMERR'],
    'an answer in it': [raw([1, 1, 0, 0], [...ROOT_A, ...OPT]), 'FORMERR'],
    'an authority in it': [raw([1, 0, 1, 0], [...ROOT_A, ...OPT]), 'FORMERR'],
    'three additional records': [raw([1, 0, 0, 3], [...ROOT_A, ...OPT, ...OPT, ...OPT]), 'FORMERR'],
    'counts beyond the message': [raw([1, 0, 0, 1], ROOT_A), 'FORMERR'],
    '65535 additional records': [raw([1, 0, 0, 0xffff], ROOT_A), 'FORMERR'],
    'a name cut short': [raw([1, 0, 0, 0], [5, 97, 98]), 'FORMERR'],
    'a name without type and class': [raw([1, 0, 0, 0], [1, 97, 0]), 'FORMERR'],
    'a compression loop': [raw([1, 0, 0, 0], [0xc0, 12, 0, 1, 0, 1]), 'FORMERR'],
    'a pointer behind a label': [raw([1, 0, 0, 0], [1, 97, 0xc0, 12, 0, 1, 0, 1]), 'FORMERR'],
    'a label type 01': [raw([1, 0, 0, 0], [0x41, 97, 0, 0, 1, 0, 1]), 'FORMERR'],
    'a name of 256 bytes': [
      raw(
        [1, 0, 0, 0],
        [
          ...Array(4)
            .fill([63, ...Array(63).fill(97)])
            .flat(),
          0,
          0,
          1,
          0,
          1,
        ],
      ),
      'FORMERR',
    ],
    'bytes behind the question': [Buffer.concat([PROPER, Buffer.from('more')]), 'FORMERR'],
    'a question for OPT': [raw([1, 0, 0, 0], [0, 0, 41, 0, 1]), 'FORMERR'],
    'two OPT records': [raw([1, 0, 0, 2], [...ROOT_A, ...OPT, ...OPT]), 'FORMERR'],
    'an OPT record of another name': [raw([1, 0, 0, 1], [...ROOT_A, 1, 97, ...OPT]), 'FORMERR'],
    'an EDNS option longer than its record': [
      raw([1, 0, 0, 1], [...ROOT_A, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 10, 0, 99]),
      'FORMERR',
    ],
    'an EDNS record longer than the message': [
      raw([1, 0, 0, 1], [...ROOT_A, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 99]),
      'FORMERR',
    ],
    'a message longer than any question': [
      Buffer.concat([raw([1, 0, 0, 1], [...ROOT_A, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0x10, 0]), Buffer.alloc(4096)]),
      'FORMERR',
    ],
  };
  await withDns({ answer: 'gateway' }, async (service, port) => {
    for (const [what, [message, rcode]] of Object.entries(wrong)) {
      const { reply } = await exchange(message, { port });
      assert.is(RCODES[reply[3]! & 0x0f], rcode, what);
      assert.is(reply.readUInt16BE(0), message.readUInt16BE(0), what);
      assert.is(reply[2]! & 0x80, 0x80, what);
      assert.is(reply.length, 12, what);
    }
    assert.is(service.counters().malformed, Object.keys(wrong).length);
  });
});

messages('of a foreign class or for a transfer are refused', async () => {
  const refused = [
    question('version.bind', 'TXT', { class: 'CH' }),
    bent({ [PROPER.length - 1]: 255 }),
    bent({ [PROPER.length - 1]: 254 }),
    question(ZONE, 'AXFR'),
    question(ZONE, 'IXFR'),
    question('example.com', 'A'),
  ];
  await withDns({ answer: 'gateway' }, async (_, port) => {
    for (const message of refused) {
      const { reply } = await exchange(message, { port });
      assert.is(RCODES[reply[3]! & 0x0f], 'REFUSED');
      assert.ok(reply.length <= message.length);
    }
  });
});

messages('with a later EDNS version get BADVERS', async () => {
  await withDns({ answer: 'gateway' }, async (_, port) => {
    const reply = decode((await exchange(question(NAME, 'A', { edns: { ednsVersion: 1 } }), { port })).reply);
    const opt = reply.packet.additionals?.[0] as unknown as {
      type: string;
      extendedRcode: number;
      ednsVersion: number;
    };
    assert.equal([reply.rcode, opt.type, opt.extendedRcode, opt.ednsVersion], ['NOERROR', 'OPT', 1, 0]);
    assert.is(reply.answers.length, 0);
  });
});

messages('that are answers, fragments or empty are ignored', async () => {
  await withDns({ answer: 'gateway' }, async (service, port) => {
    for (const message of [
      bent({ 2: 0x81 }),
      bent({ 2: 0xff, 3: 0xff }),
      Buffer.alloc(0),
      Buffer.alloc(11),
      PROPER.subarray(0, 5),
    ]) {
      assert.ok(await isIgnored(message, { port }, PROPER), message.toString('hex'));
    }
    assert.is(service.counters().dropped, 5);
  });
});

messages('with odd but lawful names are answered, byte for byte', async () => {
  const binary = raw(
    [1, 0, 0, 0],
    [3, 0, 46, 255, ...Buffer.from(`\x20${ZONE.slice(0, 32)}\x04plex\x06direct`, 'latin1'), 0, 0, 1, 0, 1],
  );
  await withDns({ answer: 'gateway' }, async (_, port) => {
    const { reply } = await exchange(binary, { port });
    assert.is(RCODES[reply[3]! & 0x0f], 'NXDOMAIN');
    assert.equal(reply.subarray(12, binary.length), binary.subarray(12));
    const root = await exchange(raw([1, 0, 0, 0], ROOT_A), { port });
    assert.is(RCODES[root.reply[3]! & 0x0f], 'REFUSED');
  });
});

messages('keep what EDNS says: DO is copied, the size is ours, unknown options are let be', async () => {
  await withDns({ answer: 'gateway' }, async (_, port) => {
    for (const name of [NAME, ZONE, 'example.com']) {
      const cookie = { code: 10, data: Buffer.alloc(8) } as never;
      const message = question(name, 'A', {
        edns: { flags: 0x8000, flag_do: true, udpPayloadSize: 65_535, options: [cookie] },
      });
      const reply = decode((await exchange(message, { port })).reply);
      const opt = reply.packet.additionals?.[0] as unknown as {
        udpPayloadSize: number;
        flag_do: boolean;
        options: unknown[];
      };
      assert.equal([opt.udpPayloadSize, opt.flag_do, opt.options.length], [1232, true, 0], name);
      assert.ok(reply.bytes.length <= 1232);
    }
  });
});

messages.run();

const streams = suite('TCP');

async function closed(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  socket.resume();
  await once(socket, 'close', { signal: AbortSignal.timeout(15_000) });
}

streams('takes a question in single bytes, and many in one piece', async () => {
  await withDns({ answer: 'gateway' }, async (_, port) => {
    const socket = await openTcp({ port });
    socket.setNoDelay(true);
    for (const byte of framed(PROPER)) socket.write(Buffer.of(byte));
    assert.equal(decode((await readMessages(socket, 1))[0]!).answers, [GATEWAY]);
    socket.removeAllListeners('data');
    socket.write(Buffer.concat(Array.from({ length: 200 }, (_, id) => framed(question(NAME, 'A', { id })))));
    const replies = await readMessages(socket, 200);
    assert.equal(
      replies.map((reply) => reply.readUInt16BE(0)),
      Array.from({ length: 200 }, (_, id) => id),
    );
    socket.destroy();
  });
});

streams('answers an asker that has closed its side', async () => {
  await withDns({ answer: 'gateway' }, async (_, port) => {
    const socket = await openTcp({ port });
    const reply = readMessages(socket, 1);
    socket.end(framed(PROPER));
    assert.equal(decode((await reply)[0]!).answers, [GATEWAY]);
    await closed(socket);
  });
});

streams('closes on a message of 64 KiB without reading it, and on one that is shorter than a header', async () => {
  await withDns({ answer: 'gateway' }, async (service, port) => {
    for (const start of [
      Buffer.concat([Buffer.of(0xff, 0xff), Buffer.alloc(60_000)]),
      Buffer.of(0, 0),
      Buffer.of(0, 11),
    ]) {
      const socket = await openTcp({ port });
      socket.write(start);
      await inTime(2000, closed(socket));
    }
    assert.is(service.counters().dropped, 3);
  });
});

streams('closes on a message that does not end within five seconds, however it drips', async () => {
  await withDns({ answer: 'gateway' }, async (_, port) => {
    const socket = await openTcp({ port });
    const drip = setInterval(() => socket.write(Buffer.of(1)), 300);
    const startedMs = performance.now();
    await inTime(6000, closed(socket)).finally(() => clearInterval(drip));
    assert.ok(performance.now() - startedMs > 4000);
  });
});

streams('an asker may hold 32 connections; more are closed at once, and the first go on', async () => {
  await withDns({ answer: 'gateway' }, async (service, port) => {
    const sockets = await Promise.all(Array.from({ length: 32 }, () => openTcp({ port })));
    const tooMany = await openTcp({ port });
    await closed(tooMany);
    assert.is(service.counters().dropped, 1);
    sockets[0]!.write(framed(PROPER));
    assert.is((await readMessages(sockets[0]!, 1)).length, 1);
    for (const socket of sockets) socket.destroy();
  });
});

streams('an asker that reads no answers is cut off before they fill the memory', async () => {
  await withDns({ answer: 'gateway' }, async (_, port) => {
    const socket = await openTcp({ port });
    socket.on('error', () => {});
    socket.pause();
    const block = Buffer.concat(Array.from({ length: 500 }, () => framed(PROPER)));
    let isOpen = true;
    socket.on('close', () => {
      isOpen = false;
    });
    const deadline = performance.now() + 15_000;
    while (isOpen && performance.now() < deadline) {
      if (socket.writableLength < 1_000_000) socket.write(block);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.not.ok(isOpen);
  });
});

streams.run();
