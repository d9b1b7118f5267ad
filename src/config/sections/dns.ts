/** The keys of [dns]: names that lead to the gateway. */
import { choice, count, flag, list, networks, section } from '../key.ts';
import { readAddress, readHostName, readSocket, readUpstream } from '../values.ts';

export const dns = section(
  'The names of the media server, answered past the rebinding protection of other resolvers.',
  {
    enabled: flag({ initial: true, help: 'Answer DNS questions at all.' }),
    listen: list((entry) => readSocket(entry, 'address'), {
      initial: ['127.0.0.1:5354'],
      accepts: 'ADDRESS:PORT, [IPv6]:PORT',
      help: 'Where to answer, UDP and TCP.',
      platform:
        'OpenWrt: dnsmasq has port 53 and forwards the zones to 127.0.0.1:5354. Synology: packages cannot take port 53.',
      example: '["127.0.0.1:5354", "[::1]:5354"]',
    }),
    zones: list(readHostName, {
      initial: [],
      accepts: 'domain names',
      help: 'The zones to answer. Empty: the address-in-name zones of this server and of the private CA; no private key is needed to know them.',
    }),
    answer: choice(['auto', 'gateway', 'literal'], {
      initial: 'auto',
      help: "gateway: the media server's names lead to the gateway. literal: to the address that they spell. auto: gateway while it holds the zone's certificate and listens on the very port that the server publishes.",
    }),
    gateway_addresses: list(readAddress, {
      initial: [],
      accepts: 'addresses',
      help: "What gateway answers with. Empty: this host's LAN addresses.",
    }),
    upstreams: list(readUpstream, {
      initial: [],
      accepts: 'ADDRESS[:PORT], tcp://ADDRESS[:PORT], tls://HOST[:PORT], or https URLs',
      help: 'Resolvers for all other names. Empty: only the zones are answered.',
      example: '["1.1.1.1", "tls://1.1.1.1", "https://dns.example/dns-query"]',
    }),
    rebind_allow: list(readHostName, {
      initial: ['plex.direct'],
      accepts: 'domain names',
      help: 'Zones whose upstream answers may be private addresses.',
    }),
    cache_size: count({ initial: 2000, min: 0, max: 100_000, help: 'Answers of upstreams that are kept. 0: none.' }),
    allow_clients: networks({
      initial: 'lan, loopback',
      words: ['lan', 'loopback'],
      help: 'Who is answered.',
    }),
  },
);
