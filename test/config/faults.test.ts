import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfig } from '../../src/config/load.ts';
import { findingsToJson, renderFindings } from '../../src/config/report.ts';
import { FILE, faultsOf, sentencesOf } from './support.ts';

function reportOf(text: string): string {
  const result = readConfig(text, FILE);
  return result.ok ? '' : renderFindings(result.faults);
}

const test = suite('faults');

test('all faults of a file are reported at once, in the order of their places, each with its line', () => {
  const text = [
    'port = 32400',
    '[lisen]',
    'http2 = true',
    '[listen]',
    'secure_conections = "required"',
    'port = [32400, 70000]',
    'express = "yes"',
    '[server]',
    'allowed_networks = "lan"',
    'kind = "Plex"',
  ].join('\n');
  assert.snapshot(
    reportOf(text),
    `lockgate.toml:1:1: port: stands outside of any [section] (it belongs to [listen])
  1 | port = 32400
    | ^
lockgate.toml:2:2: [lisen]: unknown section (did you mean [listen]?)
  2 | [lisen]
    |  ^
lockgate.toml:5:1: listen.secure_conections: unknown key (did you mean \`secure_connections\`?)
  5 | secure_conections = "required"
    | ^
lockgate.toml:6:16: listen.port: 70000 is not a port (one port from 0 to 65535, or a list of them)
  6 | port = [32400, 70000]
    |                ^
lockgate.toml:7:11: listen.express: "yes" is not a boolean (true or false, without quotes)
  7 | express = "yes"
    |           ^
lockgate.toml:9:1: server.allowed_networks: unknown key (it belongs to [access])
  9 | allowed_networks = "lan"
    | ^
lockgate.toml:10:8: server.kind: "Plex" is not known here; did you mean "plex"? ("auto" | "plex" | "jellyfin" | "emby" | "generic")
  10 | kind = "Plex"
     |        ^
`,
  );
});

test('findings are plain objects for programs', () => {
  const result = readConfig('[listen]\nprot = 1', FILE);
  assert.not.ok(result.ok);
  assert.equal(findingsToJson(result.ok ? [] : result.faults), [
    {
      file: 'lockgate.toml',
      line: 2,
      column: 1,
      key: 'listen.prot',
      message: 'listen.prot: unknown key',
      hint: 'did you mean `port`?',
    },
  ]);
});

test('unknown keys name what was probably meant', () => {
  const hints: Readonly<Record<string, string>> = {
    '[listen]\nprot = 1': 'listen.prot: unknown key (did you mean `port`?)',
    '[access]\nallowedNetworks = ""': 'access.allowedNetworks: unknown key (did you mean `allowed_networks`?)',
    '[server]\nallowedNetworks = ""':
      'server.allowedNetworks: unknown key (did you mean `allowed_networks` of [access]?)',
    '[log]\nallow_clients = ""': 'log.allow_clients: unknown key (it belongs to [dns] or [metrics])',
    '[log]\nquux = 1': 'log.quux: unknown key (undefined)',
    '[tls]\nx = 1': '[tls]: unknown section (undefined)',
    '[state.dir]\nx = 1':
      'state.dir: a table is not text in quotes (a path; relative ones start at the folder of this file)',
    '[access.lan_network]\nx = 1': 'access.lan_network: unknown key (did you mean `lan_networks`?)',
    'listen = 32400': 'listen: is a section, written [listen] on a line of its own (undefined)',
    '[[listen]]\nport = 1': 'listen: is a section, written [listen] on a line of its own (undefined)',
    'listen = 1979-05-27': 'listen: is a section, written [listen] on a line of its own (undefined)',
  };
  for (const [text, sentence] of Object.entries(hints)) assert.equal(sentencesOf(text), [sentence], text);
});

test('keys that objects inherit are as unknown as others', () => {
  assert.equal(sentencesOf('[access]\n__proto__ = 1\nconstructor = 2\ntoString = 3').length, 3);
  assert.equal(sentencesOf('[__proto__]\nx = 1\n[constructor]\nx = 1').length, 2);
  assert.equal(sentencesOf('[server.__proto__]\ntoken = "x"').length, 1);
});

test('every wrong entry of a list is reported at its own place', () => {
  assert.equal(faultsOf('[access]\nallowed_networks = "lan, here,192.168.1.5/24"'), [
    '2:26: access.allowed_networks: "here" is not an address, nor "lan", nor "loopback"',
    '2:31: access.allowed_networks: "192.168.1.5/24" has host bits set; write 192.168.1.0/24 or 192.168.1.5',
  ]);
  assert.equal(faultsOf('[access]\nallowed_networks = [\n  "lan",\n  "here", # no\n  5,\n]'), [
    '4:3: access.allowed_networks: "here" is not an address, nor "lan", nor "loopback"',
    '5:3: access.allowed_networks: 5 is not text in quotes',
  ]);
  assert.equal(faultsOf('[dns]\nzones = "a.example,"'), [
    '2:21: dns.zones: "" is an empty entry; remove it or its comma',
  ]);
});

test('keys are found in dotted, quoted and inline form', () => {
  assert.equal(faultsOf('listen.port = "x"'), ['1:16: listen.port: "x" is not a port']);
  assert.equal(faultsOf('"listen" . \'port\' = "x"'), ['1:22: listen.port: "x" is not a port']);
  assert.equal(faultsOf('listen = { express = true, port = "x", prot = 1 }'), [
    '1:36: listen.port: "x" is not a port',
    '1:40: listen.prot: unknown key',
  ]);
});

test('a syntax error is explained, and the rest of the file is judged all the same', () => {
  assert.snapshot(
    reportOf('[server]\nkind = plex\n[access]\nsession_lifetime = 12h\n[listen]\nport = 1\nport = 2\nprot = 3\n'),
    `lockgate.toml:2:8: not TOML: invalid value (text stands in double quotes; numbers, true and false do not)
  2 | kind = plex
    |        ^
lockgate.toml:4:22: not TOML: illegal character in numeric literal (text stands in double quotes; numbers, true and false do not)
  4 | session_lifetime = 12h
    |                      ^
lockgate.toml:7:1: port: is given twice (the first is in line 6; remove one of them)
  7 | port = 2
    | ^
lockgate.toml:8:1: listen.prot: unknown key (did you mean \`port\`?)
  8 | prot = 3
    | ^
`,
  );
});

test('a syntax error that leaves open what the rest means ends the report', () => {
  for (const text of [
    '[dns]\nzones = ["a.example"\nenabled = 1',
    '[dns]\nzones = ["a.example",\nenabled = 1',
    '[dns]\nzones = """a.example\nenabled = 1',
    '[dns\nenabled = 1',
    '[dns]\n[log]\n[dns]\nenabled = 1',
    '[dns]\nwhat is this\nenabled = 1',
  ]) {
    assert.is(faultsOf(text).length, 1, text);
  }
});

test('a section that is given twice names the first one', () => {
  assert.equal(sentencesOf('[dns]\n[log]\n[dns]\n'), [
    'dns: is given twice (the first is in line 1; remove one of them)',
  ]);
});

test('a key whose line is no TOML is not called missing', () => {
  assert.equal(faultsOf('[certificate]\ncert_file = "/c.pem"\nkey_file = "C:\\keys"').length, 1);
});

test('lines are shown with tabs, without control characters, and not at any length', () => {
  assert.equal(reportOf('[listen]\n\t\tprot = 1').split('\n').slice(1, 3), ['  2 | \t\tprot = 1', '    | \t\t^']);
  const long = reportOf(`[listen]\nport = [${'1, '.repeat(500)}"x"]`);
  const [, line = '', caret = ''] = long.split('\n').slice(-4);
  assert.ok(line.length < 140, line);
  assert.is(line.indexOf('"x"'), caret.indexOf('^'));
  assert.not.match(reportOf('[listen]\nprot = "\u009b31m"'), /\u009b/);
});

test('credentials are never shown', () => {
  for (const text of [
    '[server]\ntoken = "hush hush"',
    '[server]\ntoken = "hush" hush',
    '[server]\n"token"=hush',
    'server = { token = "hush hush", kind = "x" }',
    '[server]\ntoken = ["hush"]',
    '[server]\nkind = "jellyfin"\ntoken = "hush"',
    '[access]\npin_hash = "hush hush"',
  ]) {
    assert.ok(faultsOf(text).length > 0, text);
    assert.not.match(reportOf(text), /hush/, text);
    const result = readConfig(text, FILE);
    assert.not.match(JSON.stringify(result.ok ? '' : findingsToJson(result.faults)), /hush/, text);
  }
});

test('thousands of faults are cut off, not computed for minutes', () => {
  const text = `[access]\n${Array.from({ length: 20_000 }, (_, index) => `allowed_netwrk_${index} = 1`).join('\n')}`;
  const result = readConfig(text, FILE);
  assert.not.ok(result.ok);
  const faults = result.ok ? [] : result.faults;
  assert.is(faults.length, 201);
  assert.is(faults.at(-1)?.message, 'and 19800 more');
});

test.run();
