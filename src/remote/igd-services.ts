/** The services in a router's UPnP description that matter here, and where they are spoken to. */
import { askHttp } from './small-http.ts';
import { routerUrl } from './ssdp.ts';
import type { WayOut } from './way-out.ts';
import { childText, elementsNamed, parseXml } from './xml.ts';

export interface IgdService {
  /** `urn:schemas-upnp-org:service:WANIPConnection:2` */
  readonly type: string;
  /** On the router itself. */
  readonly controlUrl: URL;
}

/** In the order of preference: what speaks for connections, of IGD 2, then of IGD 1. */
const CONNECTION_TYPES = ['WANIPConnection:2', 'WANIPConnection:1', 'WANPPPConnection:1'];
const FIREWALL_TYPE = 'WANIPv6FirewallControl:1';
const PREFIX = 'urn:schemas-upnp-org:service:';

export interface IgdServices {
  /** The best first. */
  readonly connections: readonly IgdService[];
  readonly firewall: IgdService | undefined;
}

/** Undefined: there is no readable description at `location`. */
export async function readIgdServices(location: URL, way: WayOut): Promise<IgdServices | undefined> {
  const answer = await askHttp({ url: location, localAddress: way.localAddress });
  return answer?.status === 200 ? servicesIn(answer.body, location, way.router) : undefined;
}

/** Services whose control URL leads away from `router` are left out. */
export function servicesIn(description: string, location: URL, router: string): IgdServices | undefined {
  const root = parseXml(description);
  if (root?.name !== 'root') return undefined;
  const urlBase = childText(root, 'URLBase');
  const base = urlBase === undefined || urlBase === '' ? location : routerUrl(urlBase, location, router);
  if (base === undefined) return undefined;
  const services = elementsNamed(root, 'service').flatMap((element): IgdService[] => {
    const type = childText(element, 'serviceType') ?? '';
    const controlUrl = routerUrl(childText(element, 'controlURL') ?? '', base, router);
    return controlUrl === undefined ? [] : [{ type, controlUrl }];
  });
  const ofType = (name: string) => services.filter(({ type }) => type === PREFIX + name);
  return { connections: CONNECTION_TYPES.flatMap(ofType), firewall: ofType(FIREWALL_TYPE)[0] };
}
