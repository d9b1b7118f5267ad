/** The keys of [listen]: where clients reach the gateway. */
import { choice, flag, list, networks, ports, section, text } from '../key.ts';
import { readAddress, readSocket } from '../values.ts';

export const listen = section(
  'Where clients reach the gateway. HTTP and HTTPS share each port, told apart by the first byte.',
  {
    addresses: list(readAddress, {
      initial: ['0.0.0.0', '::'],
      accepts: 'addresses of this host; 0.0.0.0 is all of IPv4, :: all of IPv6',
      required: true,
      help: 'The addresses to listen on. A host without IPv6 only warns about ::.',
    }),
    port: ports({
      initial: 32443,
      help: "One port or several. Best is the server's own port (32400) when the server is on another machine: then apps need no change. 0 takes a free port.",
      platform:
        'Synology: packages cannot take ports below 1024, and 5000 and 5001 are taken by DSM. OpenWrt: uhttpd has 80 and 443.',
      example: '[32400, 443]',
    }),
    published: text((written) => readSocket(written, 'address'), {
      initial: '',
      accepts: 'ADDRESS:PORT, [IPv6]:PORT',
      help: 'The address and port under which clients reach this gateway, when it cannot know them itself.',
      platform: "Docker: needed in bridge mode; it is the host's address and the published port.",
      example: '"192.168.1.2:32400"',
    }),
    secure_connections: choice(['required', 'preferred', 'disabled'], {
      initial: 'preferred',
      help: 'required: plain HTTP is sent to HTTPS or refused. preferred: both are served. disabled: no TLS is offered.',
    }),
    proxy_protocol_from: networks({
      initial: '',
      words: ['lan', 'loopback'],
      help: 'Networks from which a PROXY v1 or v2 header is required: balancers and tunnels that pass TCP through. Empty: nobody.',
      example: '"203.0.113.7"',
    }),
    express: flag({
      initial: true,
      help: 'The fast lane for ordinary requests: GET and HEAD, POST and PUT with a short body. false sends everything through the full HTTP stack, slower and with the same answers.',
    }),
    http2: flag({
      initial: false,
      help: 'Offer HTTP/2 to clients that speak TLS; to the media server it stays HTTP/1.1. Off because some players fail with it, and because a request costs about four times the CPU time of one in the express lane. WebSockets come over HTTP/1.1 all the same.',
    }),
  },
);
