/** Plex's discovery, "GDM": an HTTP-like question by multicast, an HTTP-like answer by unicast. */
import type { DiscoveryClaim, LanDiscovery } from './lan-discovery.ts';

export const gdm: LanDiscovery = {
  group: '239.0.0.250',
  port: 32414,
  question: 'M-SEARCH * HTTP/1.0\r\n\r\n',
  readAnswer,
};

const MAX_NAME_LENGTH = 60;

function readAnswer(datagram: Buffer): DiscoveryClaim | undefined {
  const [statusLine = '', ...lines] = datagram.toString('latin1').split(/\r?\n/);
  if (!/^HTTP\/1\.[01] 200\b/.test(statusLine)) return undefined;
  const fields = new Map(lines.map((line) => [nameOf(line), line.slice(line.indexOf(':') + 1).trim()]));
  if (fields.get('content-type') !== 'plex/media-server') return undefined;
  const [id = '', port] = [fields.get('resource-identifier'), Number(fields.get('port'))];
  return id === '' || !isPort(port) ? undefined : { id, scheme: 'http', port, name: nameFrom(fields.get('name')) };
}

/** Anybody on the LAN may answer: no control characters, no novels. */
function nameFrom(value = ''): string | undefined {
  const text = Buffer.from(value, 'latin1').toString('utf8').replace(/\p{C}/gu, '');
  return text === '' ? undefined : text.slice(0, MAX_NAME_LENGTH);
}

function nameOf(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase();
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}
