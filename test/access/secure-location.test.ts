import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type SecureNames, secureLocation } from '../../src/access/secure-location.ts';

const ZONE = 'hash.plex.direct';
const names: SecureNames = {
  covers: (name) => name === 'tv.example.org' || name.endsWith(`.${ZONE}`),
  zones: () => ['uncovered.example', ZONE],
  published: undefined,
};
const request = { target: '/library?x=1', localAddress: '192.168.1.10', localPort: 32400 };
const location = (host: string | undefined, changes: Partial<SecureNames> = {}, localPort = 32400) =>
  secureLocation({ ...request, host, localPort }, { ...names, ...changes });

const secure = suite('secure location');

secure('is the Host’s own name when the certificate covers it', () => {
  assert.is(location('TV.example.org:32400'), 'https://tv.example.org:32400/library?x=1');
  assert.is(location(`192-168-1-10.${ZONE}:8443`), `https://192-168-1-10.${ZONE}:8443/library?x=1`);
});

secure('is the Host’s literal as a label', () => {
  assert.is(location('198.51.100.7:8443'), `https://198-51-100-7.${ZONE}:8443/library?x=1`);
  assert.is(location('[fd00::10]:8443'), `https://fd00-0-0-0-0-0-0-10.${ZONE}:8443/library?x=1`);
});

secure('is the socket’s address when the Host is a name that is not covered, or none', () => {
  assert.is(location('nas.local:8443'), `https://192-168-1-10.${ZONE}:8443/library?x=1`);
  assert.is(location(undefined), `https://192-168-1-10.${ZONE}:32400/library?x=1`);
});

secure('is the published address where the socket’s own means nothing outside', () => {
  const published = { address: '192.168.1.2', port: 32443 };
  assert.is(location('nas.local', { published }), `https://192-168-1-2.${ZONE}:32443/library?x=1`);
});

secure('is a literal when the certificate covers that', () => {
  assert.is(location('[fd00::10]:8443', { covers: () => true }), 'https://[fd00::10]:8443/library?x=1');
});

secure('leaves port 80 for 443', () => {
  assert.is(location('tv.example.org', {}, 80), 'https://tv.example.org/library?x=1');
  assert.is(location('tv.example.org:80', {}, 80), 'https://tv.example.org/library?x=1');
});

secure('does not exist without a covered name', () => {
  assert.is(location('192.168.1.10', { covers: () => false }), undefined);
  assert.is(location('192.168.1.10', { zones: () => [] }), undefined);
});

secure.run();
