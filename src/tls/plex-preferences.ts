/** Reads what the gateway needs of the media server's Preferences.xml: one element whose attributes are the settings. */
import { join } from 'node:path';
import { GatewayError, systemCodeOf } from '../lib/errors.ts';
import { readBoundedFile } from './bounded-file.ts';
import { detectPlatform, unreadableError } from './plex-data-folder.ts';

/** The settings, as the server has them; undefined: not set, the server's default holds. */
export interface PlexPreferences {
  readonly machineIdentifier: string | undefined;
  /** 40 hex digits: the id that `/identity` shows. */
  readonly processedMachineIdentifier: string | undefined;
  /** 32 hex digits, lower case: the hash in `<hash>.plex.direct`. */
  readonly certificateUuid: string | undefined;
  readonly friendlyName: string | undefined;
  /** An account token is stored; the token itself is never kept. */
  readonly isSignedIn: boolean;
  readonly isPlexHome: boolean | undefined;
  /** "List of networks that are allowed without auth": comma separated. */
  readonly allowedNetworks: string | undefined;
  readonly secureConnections: 'required' | 'preferred' | 'disabled' | undefined;
  readonly customConnections: string | undefined;
  readonly isManualPortMapping: boolean | undefined;
  readonly manualPort: number | undefined;
  /** "LAN Networks": comma separated, despite its name. */
  readonly lanNetworks: string | undefined;
  /** The vendor's relay, for apps that find no way in. */
  readonly isRelayEnabled: boolean | undefined;
  /** False: an unclaimed server is open to its LAN. */
  readonly isLocalSecurityEnabled: boolean | undefined;
}

const SECURE_CONNECTIONS = ['required', 'preferred', 'disabled'] as const;

/** Reads the file in a data folder. Undefined: there is none. Throws `certificate` when it must not be read, `server` when it is not what it should be. */
export async function readPlexPreferences(
  dataFolder: string,
  platform = detectPlatform(),
): Promise<PlexPreferences | undefined> {
  const path = join(dataFolder, 'Preferences.xml');
  let bytes: Buffer;
  try {
    bytes = await readBoundedFile(path);
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return undefined;
    throw await unreadableError(path, cause, platform);
  }
  try {
    return parsePlexPreferences(bytes.toString('utf8'));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new GatewayError('server', `${JSON.stringify(path)} cannot be read: ${cause.message}`, {
      hint: 'it may be half written: try again; else the server itself cannot read it either',
      cause,
    });
  }
}

/** The settings in the text of a Preferences.xml. Throws `SyntaxError` when it is not one well-formed element. */
export function parsePlexPreferences(xml: string): PlexPreferences {
  const attributes = readAttributes(xml, 'Preferences');
  const text = (name: string) => attributes.get(name) || undefined;
  const flag = (name: string) => (attributes.has(name) ? isTrue(attributes.get(name)) : undefined);
  return {
    machineIdentifier: text('MachineIdentifier'),
    processedMachineIdentifier: text('ProcessedMachineIdentifier')?.toLowerCase(),
    certificateUuid: text('CertificateUUID')?.toLowerCase(),
    friendlyName: text('FriendlyName'),
    isSignedIn: text('PlexOnlineToken') !== undefined,
    isPlexHome: flag('PlexOnlineHome'),
    allowedNetworks: text('allowedNetworks'),
    secureConnections: SECURE_CONNECTIONS[Number(text('secureConnections') ?? Number.NaN)],
    customConnections: text('customConnections'),
    isManualPortMapping: flag('ManualPortMappingMode'),
    manualPort: portOf(text('ManualPortMappingPort')),
    lanNetworks: text('LanNetworksBandwidth'),
    isRelayEnabled: flag('RelayEnabled'),
    isLocalSecurityEnabled: flag('enableLocalSecurity'),
  };
}

function isTrue(value: string | undefined): boolean {
  return value === '1' || value?.toLowerCase() === 'true';
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}

/** Far more than the server has settings. */
const MAX_ATTRIBUTES = 2000;
const PROLOG = /^\uFEFF?(?:<\?xml[^<>]*\?>)?\s*/;
/** XML 1.0, productions 5 (in ASCII), 25 and 10: a name, `=`, and a value in quotes without `<`. */
const ATTRIBUTE = /\s+([A-Za-z_:][\w:.-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;

/** The attributes of the one element `element`, which is empty and stands alone. */
function readAttributes(xml: string, element: string): Map<string, string> {
  const start = PROLOG.exec(xml)?.[0].length ?? 0;
  const opening = `<${element}`;
  if (!xml.startsWith(opening, start)) throw new SyntaxError(`it does not begin with ${opening}>`);
  const attributes = new Map<string, string>();
  let position = start + opening.length;
  for (;;) {
    ATTRIBUTE.lastIndex = position;
    const match = ATTRIBUTE.exec(xml);
    if (match === null) break;
    const [whole, name = '', doubleQuoted, singleQuoted] = match;
    if (attributes.has(name)) throw new SyntaxError(`the setting ${name} stands there twice`);
    if (attributes.size === MAX_ATTRIBUTES) throw new SyntaxError(`it has more than ${MAX_ATTRIBUTES} settings`);
    attributes.set(name, resolveReferences(doubleQuoted ?? singleQuoted ?? ''));
    position += whole.length;
  }
  const rest = xml.slice(position);
  if (!isEndOf(rest, element)) throw new SyntaxError(`it breaks off or goes wrong at character ${position + 1}`);
  return attributes;
}

function isEndOf(rest: string, element: string): boolean {
  const ending = rest.trim();
  return ending === '/>' || (ending.startsWith('>') && ending.slice(1).trim() === `</${element}>`);
}

const NAMED_ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Attribute value normalisation and references, XML 1.0 sections 3.3.3 and 4.1. */
function resolveReferences(value: string): string {
  return value.replace(/[\t\r\n]/g, ' ').replace(/&([^;&]{0,12};?)/g, (reference, body: string) => {
    const name = body.endsWith(';') ? body.slice(0, -1) : undefined;
    const text = name === undefined ? undefined : (NAMED_ENTITIES[name] ?? characterOf(name));
    if (text === undefined) throw new SyntaxError(`the reference ${JSON.stringify(reference)} is unknown`);
    return text;
  });
}

/** `#10` or `#xA` as the character that it stands for; undefined when it stands for none that XML allows (production 2). */
function characterOf(name: string): string | undefined {
  const match = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
  if (match === null) return undefined;
  const code = match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16);
  const isAllowed =
    code === 0x9 ||
    code === 0xa ||
    code === 0xd ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff);
  return isAllowed ? String.fromCodePoint(code) : undefined;
}
