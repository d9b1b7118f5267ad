/** An ACME authority that believes everything and does what a test wants: for what pebble does not do (advice on renewal, attacks, crashes). */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificates.ts';

export interface StandInRequest {
  readonly path: string;
  readonly method: string;
  /** The payload of the signed request; undefined: POST-as-GET, or not signed. */
  readonly payload: Readonly<Record<string, unknown>> | undefined;
  readonly response: ServerResponse;
}

export interface AcmeStandIn {
  readonly directory: string;
  /** PEM, for `ca_file`. */
  readonly caFile: string;
  /** `newOrder`, `finalize`, …, in the order in which they came. */
  readonly requests: string[];
  /** The payloads of new orders. */
  readonly orders: Readonly<Record<string, unknown>>[];
  /** Called before each answer; true: the test has answered, or never will. */
  before: (request: StandInRequest) => boolean | Promise<boolean>;
  /** Whole days of the certificates. */
  days: number;
  /** What renewalInfo says; undefined: 404. */
  advice: object | undefined;
  close(): Promise<void>;
}

export async function startAcmeStandIn(): Promise<AcmeStandIn> {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-stand-in-'));
  const own = makeCertificate({ addresses: ['127.0.0.1'] });
  const issuer = makeCertificate({ isAuthority: true, subject: 'stand-in' });
  const caFile = join(folder, 'own.pem');
  writeFileSync(caFile, own.certificatePem);
  writeFileSync(join(folder, 'issuer.pem'), issuer.certificatePem);
  writeFileSync(join(folder, 'issuer.key'), issuer.keyPem);

  const orders = new Map<string, { names: string[]; proven: Set<string>; pem?: string }>();
  let base = '';
  let nonce = 0;
  const server = createServer({ cert: own.certificatePem, key: own.keyPem }, (request, response) => {
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const standIn: AcmeStandIn = {
    directory: `${base}/directory`,
    caFile,
    requests: [],
    orders: [],
    before: () => false,
    days: 90,
    advice: undefined,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true, force: true });
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const payload = payloadOf(await textOf(request));
    const path = request.url ?? '';
    const [, what = '', id = '', index = ''] = path.split('/');
    nonce += 1;
    response.setHeader('Replay-Nonce', `nonce${nonce}`);
    standIn.requests.push(what);
    if (await standIn.before({ path, method: request.method ?? '', payload, response })) return;
    const json = (status: number, document: object, location?: string) => {
      if (location !== undefined) response.setHeader('Location', location);
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(document));
    };
    const order = orders.get(id);
    switch (what) {
      case 'directory': {
        const urls = ['newNonce', 'newAccount', 'newOrder', 'renewalInfo'].map((name) => [name, `${base}/${name}`]);
        return json(200, Object.fromEntries(urls));
      }
      case 'newAccount':
        return json(201, { status: 'valid' }, `${base}/account/1`);
      case 'newOrder': {
        const number = String(orders.size + 1);
        const identifiers = payload?.['identifiers'] as { value: string }[];
        orders.set(number, { names: identifiers.map(({ value }) => value), proven: new Set() });
        standIn.orders.push(payload ?? {});
        return json(201, orderDocument(number), `${base}/order/${number}`);
      }
      case 'renewalInfo':
        if (standIn.advice === undefined) break;
        return json(200, standIn.advice);
      case 'order':
        return json(200, orderDocument(id));
      case 'authorization':
        return json(200, authorization(id, index));
      case 'challenge':
        order?.proven.add(index);
        return json(200, {});
      case 'finalize':
        if (order !== undefined) order.pem = sign(String(payload?.['csr']));
        return json(200, orderDocument(id));
      case 'certificate':
        response.writeHead(200, { 'Content-Type': 'application/pem-certificate-chain' });
        response.end(`${order?.pem}${issuer.certificatePem}`);
        return;
      case 'newNonce':
        response.writeHead(200).end();
        return;
    }
    const problem = { type: 'urn:ietf:params:acme:error:malformed', detail: 'no such thing' };
    response.writeHead(404, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(problem));
  }

  function orderDocument(id: string): object {
    const order = orders.get(id);
    const isReady = order !== undefined && order.proven.size === order.names.length;
    return {
      status: order?.pem !== undefined ? 'valid' : isReady ? 'ready' : 'pending',
      authorizations: order?.names.map((_, index) => `${base}/authorization/${id}/${index}`),
      finalize: `${base}/finalize/${id}`,
      certificate: `${base}/certificate/${id}`,
    };
  }

  function authorization(id: string, index: string): object {
    const order = orders.get(id);
    const status = order?.proven.has(index) ? 'valid' : 'pending';
    const challenge = { status, url: `${base}/challenge/${id}/${index}`, token: `token-${id}-${index}` };
    return {
      status,
      identifier: { type: 'dns', value: order?.names[Number(index)] },
      challenges: ['http-01', 'tls-alpn-01'].map((type) => ({ type, ...challenge })),
    };
  }

  function sign(csr: string): string {
    writeFileSync(join(folder, 'request.der'), Buffer.from(csr, 'base64url'));
    const signing = ['x509', '-req', '-inform', 'DER', '-in', 'request.der', '-copy_extensions', 'copy'];
    const by = ['-CA', 'issuer.pem', '-CAkey', 'issuer.key', '-days', String(standIn.days), '-out', 'leaf.pem'];
    execFileSync('openssl', [...signing, ...by], { cwd: folder, stdio: 'ignore' });
    return readFileSync(join(folder, 'leaf.pem'), 'utf8');
  }

  return standIn;
}

function payloadOf(body: string): StandInRequest['payload'] {
  if (body === '') return undefined;
  const { payload } = JSON.parse(body) as { payload: string };
  return payload === '' ? undefined : JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString('utf8');
  return text;
}
