/** A UPnP gateway on a loopback address with a will of its own: what real ones are known to do, and what hostile ones might. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WayOut } from '../../src/remote/way-out.ts';

export interface IgdMapping {
  readonly internalClient: string;
  readonly internalPort: number;
  readonly description: string;
  readonly leaseSeconds: number;
}

export class IgdStandIn {
  /** By external port. */
  readonly mappings = new Map<number, IgdMapping>();
  /** Names of the actions that were called. */
  readonly called: string[] = [];
  externalAddress = '9.0.0.2';
  /** Error 725 for any lease but 0. */
  onlyPermanentLeases = false;
  /** UPnP error for AddPortMapping; undefined: none. */
  refusal: number | undefined;
  controlUrl = '/control';
  /** Takes the place of the description. */
  description: string | undefined;
  /** Takes the place of every SOAP answer. */
  soapAnswer: string | undefined;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response));
  }

  static async start(address: string): Promise<IgdStandIn> {
    const server = createServer().listen(0, address);
    await once(server, 'listening');
    return new IgdStandIn(server);
  }

  get location(): URL {
    const { address, port } = this.#server.address() as AddressInfo;
    return new URL(`http://${address}:${port}/root.xml`);
  }

  get way(): WayOut {
    const router = this.location.hostname;
    return { router, routerSocketAddress: router, localAddress: '127.0.0.1', isContainerBridge: false };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      response.end(this.description ?? descriptionWith(this.controlUrl));
      return;
    }
    let body = '';
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString();
    const action = /#(\w+)"/.exec(String(request.headers['soapaction']))?.[1] ?? '';
    this.called.push(action);
    const answer =
      this.soapAnswer ?? this.#act(action, (name) => new RegExp(`<${name}>([^<]*)<`).exec(body)?.[1] ?? '');
    response.statusCode = answer.includes('UPnPError') ? 500 : 200;
    response.end(answer);
  }

  #act(action: string, value: (name: string) => string): string {
    const externalPort = Number(value('NewExternalPort'));
    const present = this.mappings.get(externalPort);
    switch (action) {
      case 'GetExternalIPAddress':
        return done(action, { NewExternalIPAddress: this.externalAddress });
      case 'GetStatusInfo':
        return done(action, { NewConnectionStatus: 'Connected' });
      case 'GetSpecificPortMappingEntry':
        return present === undefined ? upnpError(714) : done(action, entryOf(present));
      case 'DeletePortMapping':
        this.mappings.delete(externalPort);
        return done(action, {});
      case 'AddPortMapping': {
        const leaseSeconds = Number(value('NewLeaseDuration'));
        if (this.refusal !== undefined) return upnpError(this.refusal);
        if (this.onlyPermanentLeases && leaseSeconds !== 0) return upnpError(725);
        this.mappings.set(externalPort, {
          internalClient: value('NewInternalClient'),
          internalPort: Number(value('NewInternalPort')),
          description: value('NewPortMappingDescription'),
          leaseSeconds,
        });
        return done(action, {});
      }
      default:
        return upnpError(401);
    }
  }
}

function entryOf({ internalClient, internalPort, description, leaseSeconds }: IgdMapping) {
  return {
    NewInternalPort: String(internalPort),
    NewInternalClient: internalClient,
    NewEnabled: '1',
    NewPortMappingDescription: description,
    NewLeaseDuration: String(leaseSeconds),
  };
}

function done(action: string, values: Readonly<Record<string, string>>): string {
  const elements = Object.entries(values).map(([name, text]) => `<${name}>${text}</${name}>`);
  return envelope(`<u:${action}Response xmlns:u="urn:x">${elements.join('')}</u:${action}Response>`);
}

export function upnpError(code: number): string {
  return envelope(
    `<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>${code}</errorCode><errorDescription>no</errorDescription></UPnPError></detail></s:Fault>`,
  );
}

function envelope(body: string): string {
  return `<?xml version="1.0"?>\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${body}</s:Body></s:Envelope>`;
}

export function descriptionWith(controlUrl: string, more = ''): string {
  return `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>${more}
<device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><deviceList><device><deviceList><device>
<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>
<serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId><controlURL>${controlUrl}</controlURL></service></serviceList>
</device></deviceList></device></deviceList></device></root>`;
}
