import packet from 'dns-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressBody, nsBody, type RecordBody, readAnswer, readEdns, soaBody } from '../../src/dns/message.ts';
import { canonicalAddress } from '../../src/net/address.ts';
import { question } from './ask.ts';
import { a, answerTo } from './fake-upstream.ts';

/** The record as an independent codec reads it, with a root owner put before the body. */
function read(body: RecordBody): Record<string, unknown> {
  const header = Buffer.from('000080000000000100000000', 'hex');
  return packet.decode(Buffer.concat([header, Buffer.of(0), body])).answers?.[0] as unknown as Record<string, unknown>;
}

const records = suite('records of our own');

records('hold the very address, also where IPv6 has an IPv4 address inside', () => {
  const spellings = [
    '192.168.1.5',
    'fd00::5',
    '::1',
    '2001:db8:0:1:0:0:0:1',
    '64:ff9b::192.0.2.33',
    '::1.2.3.4',
    '1:2:3:4:5:6:7:8',
  ];
  for (const text of spellings) {
    const address = canonicalAddress(text) ?? '';
    const record = read(addressBody(address));
    assert.equal(
      [record['type'], record['ttl'], record['class']],
      [address.includes(':') ? 'AAAA' : 'A', 60, 'IN'],
      text,
    );
    assert.is(canonicalAddress(String(record['data'])), address, text);
  }
});

records('name servers and the start of authority', () => {
  assert.is(read(nsBody('ns.example'))['data'], 'ns.example');
  const soa = read(soaBody('ns.example'))['data'] as Record<string, unknown>;
  assert.equal([soa['mname'], soa['rname'], soa['minimum']], ['ns.example', 'nobody.invalid', 60]);
});

records.run();

const reading = suite('reading');

reading('EDNS as it was sent, or that there is none', () => {
  assert.is(readEdns(question('www.example', 'A')), 'none');
  assert.equal(
    readEdns(question('www.example', 'A', { edns: { udpPayloadSize: 900, flags: 0x8000, ednsVersion: 3 } })),
    {
      version: 3,
      payloadBytes: 900,
      dnssecOk: true,
    },
  );
});

reading('answers for doctor, and nothing from what cannot be read', () => {
  const query = question('www.example', 'A');
  const answer = answerTo(query, { answers: [a('www.example', '9.9.9.9')], flags: 0x200 });
  assert.equal(readAnswer(answer), { rcode: 0, isTruncated: true, addresses: ['9.9.9.9'], texts: [] });
  assert.is(readAnswer(answer.subarray(0, -1)), undefined);
  assert.is(readAnswer(Buffer.alloc(5)), undefined);
});

reading.run();
