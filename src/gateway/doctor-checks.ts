/** The checks that only `doctor` makes: it tries ways past the gateway, reads the server's settings, asks the router and the Internet. */
import { randomBytes } from 'node:crypto';
import { within } from '../lib/deadline.ts';
import type { ListenAddress } from '../net/listen.ts';
import type { Check } from '../ops/check.ts';
import { auditServer } from '../ops/server-audit.ts';
import { remoteChecks } from '../remote/checks.ts';
import type { Forwarding } from '../remote/igd.ts';
import { findIgdMappers } from '../remote/mappers.ts';
import { findWan, mayAskRouter } from '../remote/outside-look.ts';
import { OutsideProof } from '../remote/outside-proof.ts';
import { PCP_NONCE_BYTES } from '../remote/pcp-message.ts';
import { askPublicAddress } from '../remote/public-address.ts';
import { type RemoteFacts, surroundings } from '../remote/remote-facts.ts';
import { askForwardings } from '../remote/router-survey.ts';
import { type PortView, type RemoteView, remoteView } from '../remote/view.ts';
import { wayOut } from '../remote/way-out.ts';
import { bypassChecks, forwardingChecks } from './bypass.ts';
import { remoteFacts } from './remote-facts.ts';
import type { StatusReport } from './status.ts';
import type { Survey } from './survey.ts';

/** The router and the Internet get so long: somebody waits. */
const PATIENCE_MS = 3_500;

/** The router's answers, when they are there. */
export interface RouterLook {
  readonly wan: Promise<RemoteView['wan']>;
  readonly forwardings: Promise<readonly Forwarding[]>;
}

/** Begins to ask the router, with a deadline. Nothing of it depends on the media server, which is looked at meanwhile. */
export function beginRouterLook({ parts }: Survey): RouterLook {
  const facts = remoteFacts(parts, []);
  const way = wayOut(4);
  const isAsked = mayAskRouter(facts);
  const igds = !isAsked || way === undefined || way.isContainerBridge ? Promise.resolve([]) : findIgdMappers(way);
  const forwardings = within(PATIENCE_MS, igds.then(askForwardings)).then((found) => found ?? []);
  const wan = isAsked
    ? within(PATIENCE_MS, findWan(facts, randomBytes(PCP_NONCE_BYTES), igds))
    : Promise.resolve(undefined);
  return { wan, forwardings };
}

/** `running`: the report of the running gateway; undefined: none is running. */
export async function doctorChecks(
  survey: Survey,
  running: StatusReport | undefined,
  router: RouterLook,
): Promise<readonly Check[]> {
  const { parts } = survey;
  const listeners = running === undefined ? configuredListeners(survey) : running.listeners.flatMap(readEndpoint);
  const facts = remoteFacts(parts, listeners);
  const [bypass, view, forwardings] = await Promise.all([
    bypassChecks(parts, listeners),
    lookAtRemote(survey, facts, running, router),
    router.forwardings,
  ]);
  return [
    ...auditChecks(survey, listeners),
    ...bypass,
    ...forwardingChecks(parts, listeners, forwardings, view),
    ...(running?.checks.filter(({ name }) => name === 'masked addresses') ?? containerMask(survey)),
    ...remoteChecks(view),
  ];
}

/** What the running gateway knows of ports and clients, and a fresh look at the rest. */
async function lookAtRemote(
  survey: Survey,
  facts: RemoteFacts,
  running: StatusReport | undefined,
  router: RouterLook,
): Promise<RemoteView> {
  const proof = new OutsideProof({ state: survey.state, isOfThisSite: () => false });
  const { publicAddress: setting, autoUrl } = facts;
  const asked = askPublicAddress({ setting, autoUrl, patienceMs: PATIENCE_MS });
  const [wan, publicAddress] = await Promise.all([router.wan, asked, proof.load()]);
  const { last } = proof;
  const remembered = last && { address: last.address, secondsAgo: Math.round((Date.now() - last.at) / 1000) };
  return remoteView({
    ...surroundings(facts),
    mapping: running?.remote.mapping ?? notRunning(facts),
    pinhole: running?.remote.pinhole ?? notRunning({ mapPort: 0 }),
    wan: wan ?? running?.remote.wan,
    publicAddress,
    reached: running?.remote.reached ?? remembered,
  });
}

function notRunning({ mapPort }: Pick<RemoteFacts, 'mapPort'>): PortView {
  if (mapPort === 0) return { state: 'off', because: 'the router is not asked to open a port', remedy: '' };
  return { state: 'off', because: 'the gateway is not running, so no port is open', remedy: 'start it: lockgate run' };
}

function auditChecks({ parts, gate }: Survey, listeners: readonly ListenAddress[]): Check[] {
  const { plexHome, config, site } = parts;
  const { preferences } = plexHome;
  if (preferences === undefined) return [];
  const { serverAddress, addresses } = site.view;
  const isHere = serverAddress !== undefined && addresses.has(serverAddress);
  return auditServer({
    preferences,
    gatewayAddresses: isHere ? [...addresses] : site.lanAddresses,
    gatewayPorts: [...new Set(listeners.map(({ port }) => port))],
    mapPort: config.remote.map_port,
    hasList: config.access.allowed_networks.length > 0,
    listIsInForce: gate.list.isInForce,
  });
}

/** In a container network every client may come with the address of its router. */
function containerMask({ parts }: Survey): Check[] {
  const way = wayOut(4);
  if (way?.isContainerBridge !== true || parts.config.listen.published !== '') return [];
  return [
    {
      name: 'masked addresses',
      verdict: 'warning',
      evidence: `this is a container network: clients may all come as ${way.router}, and would count as outside`,
      remedy: 'give the container the network of its host (network_mode: host), or set [listen] published',
    },
  ];
}

function configuredListeners({ parts: { config } }: Survey): ListenAddress[] {
  return config.listen.addresses.flatMap((address) => config.listen.port.map((port) => ({ address, port })));
}

/** `192.168.1.2:32443` or `[::]:32443`, as a running gateway reports them. */
function readEndpoint(text: string): ListenAddress[] {
  const [, address, port] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(text) ?? [];
  return address === undefined ? [] : [{ address, port: Number(port) }];
}
