import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ProxyHeader, readProxyHeader } from '../../src/net/proxy-protocol.ts';

const test = suite('PROXY header');
const SIGNATURE = '0d0a0d0a000d0a515549540a';

function line(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** A version 2 header: byte of version and command, byte of family and transport, payload in hexadecimal. */
function binary(command: number, family: number, payload: string, announcedBytes = payload.length / 2): Buffer {
  const head = Buffer.from(`${SIGNATURE}00000000`, 'hex');
  head.writeUInt8(command, 12);
  head.writeUInt8(family, 13);
  head.writeUInt16BE(announcedBytes, 14);
  return Buffer.concat([head, Buffer.from(payload, 'hex')]);
}

const IPV4_BLOCK = 'cb007109c0a8010a10e17e90'; // 203.0.113.9:4321 to 192.168.1.10:32400
const IPV6_BLOCK = `20010db8${'00'.repeat(11)}09${'fd'.padEnd(30, '0')}0110e17e90`;

/** Reads all of `bytes` at once, and byte by byte: both must agree. */
function read(bytes: Buffer): ProxyHeader {
  const whole = readProxyHeader(bytes);
  for (let length = 0; length < bytes.length; length++) {
    const part = readProxyHeader(bytes.subarray(0, length));
    if (part.state === 'incomplete') continue;
    const [partly, wholly] = [part, whole].map(({ state }) => state);
    assert.is(partly, wholly, `after ${length} bytes`);
    if (part.state === 'complete') assert.equal(part, whole);
    return whole;
  }
  return whole;
}

function sourceOf(bytes: Buffer): string {
  const header = read(bytes);
  if (header.state !== 'complete') return header.state;
  assert.is(header.byteLength, bytes.length);
  return header.source === undefined ? 'nobody' : `${header.source.address} ${header.source.port}`;
}

test('version 1 names the client', () => {
  assert.is(sourceOf(line('PROXY TCP4 203.0.113.9 192.168.1.10 4321 32400\r\n')), '203.0.113.9 4321');
  assert.is(sourceOf(line('PROXY TCP6 2001:db8::9 fd00::1 4321 32400\r\n')), '2001:db8::9 4321');
  assert.is(sourceOf(line('PROXY TCP6 2001:DB8:0:0:0:0:0:9 ::1 0 65535\r\n')), '2001:db8::9 0');
  assert.is(sourceOf(line('PROXY TCP6 ::ffff:203.0.113.9 ::ffff:192.168.1.10 4321 32400\r\n')), '203.0.113.9 4321');
  const longest = `PROXY TCP6 ${Array(8).fill('ffff').join(':')} ${Array(8).fill('ffff').join(':')} 65535 65535\r\n`;
  assert.is(sourceOf(line(longest)), 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535');
});

test('version 1 may name nobody', () => {
  assert.is(sourceOf(line('PROXY UNKNOWN\r\n')), 'nobody');
  assert.is(sourceOf(line('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n')), 'nobody');
  assert.is(sourceOf(line(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`)), 'nobody');
});

test('version 1 is strict', () => {
  const lines = [
    'GET / HTTP/1.1\r\n',
    'PROXY\r\n',
    'proxy TCP4 203.0.113.9 192.168.1.10 4321 32400\r\n',
    'PROXY  TCP4 203.0.113.9 192.168.1.10 4321 32400\r\n',
    'PROXY TCP4 203.0.113.9  192.168.1.10 4321 32400\r\n',
    'PROXY TCP4 203.0.113.9 192.168.1.10 4321 32400 \r\n',
    'PROXY TCP4 203.0.113.9 192.168.1.10 4321 32400\n',
    'PROXY TCP4 203.0.113.9 192.168.1.10 4321\r\n',
    'PROXY TCP4 203.0.113.9 192.168.1.10 04321 32400\r\n',
    'PROXY TCP4 203.0.113.9 192.168.1.10 4321 65536\r\n',
    'PROXY TCP4 203.0.113.9 192.168.1.10 -1 32400\r\n',
    'PROXY TCP4 203.0.113.009 192.168.1.10 4321 32400\r\n',
    'PROXY TCP4 2001:db8::9 fd00::1 4321 32400\r\n',
    'PROXY TCP6 203.0.113.9 192.168.1.10 4321 32400\r\n',
    'PROXY TCP6 fe80::1%eth0 fd00::1 4321 32400\r\n',
    'PROXY TCP6 [2001:db8::9] fd00::1 4321 32400\r\n',
    'PROXY TCP4 203.0.113.9 nas.local 4321 32400\r\n',
    'PROXY UDP4 203.0.113.9 192.168.1.10 4321 32400\r\n',
    'PROXY UNKNOWNX\r\n',
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
    `PROXY TCP4 ${'1'.repeat(200)}`,
    '\0',
    '\x16\x03\x01',
  ];
  for (const text of lines) assert.is(read(line(text)).state, 'invalid', JSON.stringify(text));
});

test('version 2 names the client', () => {
  assert.is(sourceOf(binary(0x21, 0x11, IPV4_BLOCK)), '203.0.113.9 4321');
  assert.is(sourceOf(binary(0x21, 0x21, IPV6_BLOCK)), '2001:db8::9 4321');
});

test('version 2 folds a mapped address', () => {
  const mapped = `${'00'.repeat(10)}ffffcb007109${'00'.repeat(16)}10e17e90`;
  assert.is(sourceOf(binary(0x21, 0x21, mapped)), '203.0.113.9 4321');
});

test('version 2 may carry additions behind the addresses', () => {
  assert.is(sourceOf(binary(0x21, 0x11, `${IPV4_BLOCK}0200046e61732e`)), '203.0.113.9 4321');
  assert.is(sourceOf(binary(0x21, 0x11, IPV4_BLOCK.padEnd(2048, '0'))), '203.0.113.9 4321');
});

test('version 2 may name nobody: a health check, an unspecified family, a Unix socket', () => {
  assert.is(sourceOf(binary(0x20, 0x00, '')), 'nobody');
  assert.is(sourceOf(binary(0x20, 0x11, IPV4_BLOCK)), 'nobody');
  assert.is(sourceOf(binary(0x20, 0xff, '')), 'nobody');
  assert.is(sourceOf(binary(0x21, 0x00, 'ffff')), 'nobody');
  assert.is(sourceOf(binary(0x21, 0x31, '00'.repeat(216))), 'nobody');
});

test('version 2 is strict', () => {
  const headers: Record<string, Buffer> = {
    'version 1 in binary': binary(0x11, 0x11, IPV4_BLOCK),
    'version 3': binary(0x31, 0x11, IPV4_BLOCK),
    'an unknown command': binary(0x22, 0x11, IPV4_BLOCK),
    'a datagram': binary(0x21, 0x12, IPV4_BLOCK),
    'an unknown family': binary(0x21, 0x41, IPV4_BLOCK),
    'a short IPv4 block': binary(0x21, 0x11, IPV4_BLOCK.slice(2)),
    'a short IPv6 block': binary(0x21, 0x21, IPV6_BLOCK.slice(2)),
    'more than 1024 bytes': binary(0x21, 0x11, IPV4_BLOCK, 1025),
    'a broken signature': Buffer.from('0d0a0d0a000d0a51554954', 'hex').fill(0x21, 10),
    'empty lines': line('\r\n\r\nGET / HTTP/1.1\r\n'),
  };
  for (const [name, bytes] of Object.entries(headers)) assert.is(read(bytes).state, 'invalid', name);
});

test('what follows the header is left alone', () => {
  for (const header of [line('PROXY TCP4 203.0.113.9 192.168.1.10 4321 32400\r\n'), binary(0x21, 0x11, IPV4_BLOCK)]) {
    const reading = readProxyHeader(Buffer.concat([header, line('PROXY UNKNOWN\r\nGET /')]));
    assert.is(reading.state === 'complete' && reading.byteLength, header.length);
  }
});

test('is decided within 1040 bytes, whatever they are', () => {
  const starts = [line('PROXY TCP4 '), Buffer.from(SIGNATURE, 'hex'), Buffer.from(`${SIGNATURE}2111`, 'hex'), line('')];
  for (let round = 0; round < 256; round++) {
    for (const start of starts) {
      const bytes = Buffer.concat([start, Buffer.alloc(1040 - start.length, round)]);
      assert.is.not(readProxyHeader(bytes).state, 'incomplete');
    }
  }
});

test.run();
