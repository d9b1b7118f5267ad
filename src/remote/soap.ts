/** Calls one action of a router's UPnP service (UPnP Device Architecture 2.0, section 3). */
import type { IgdService } from './igd-services.ts';
import { askHttp, type HttpAnswer } from './small-http.ts';
import { childText, elementsNamed, escapeXml, parseXml } from './xml.ts';

export type SoapOutcome =
  | { readonly outcome: 'done'; readonly values: Readonly<Record<string, string>> }
  /** `code`: UPnP error code; undefined: an error that says nothing. */
  | { readonly outcome: 'error'; readonly code: number | undefined; readonly description: string }
  | { readonly outcome: 'silent' };

const MAX_DESCRIPTION_LENGTH = 80;

export interface SoapCall {
  readonly service: IgdService;
  readonly action: string;
  /** In the order of the service's description. */
  readonly values?: Readonly<Record<string, string>>;
  readonly localAddress: string;
  /** See `HttpQuestion`. */
  readonly connectTo?: string;
}

/** Never rejects. */
export async function callSoap({
  service,
  action,
  values = {},
  localAddress,
  connectTo,
}: SoapCall): Promise<SoapOutcome> {
  const answer = await askHttp({
    url: service.controlUrl,
    method: 'POST',
    headers: { 'Content-Type': 'text/xml; charset="utf-8"', SOAPAction: `"${service.type}#${action}"` },
    body: envelope(service.type, action, values),
    localAddress,
    ...(connectTo === undefined ? {} : { connectTo }),
  });
  return answer === undefined ? { outcome: 'silent' } : readAnswer(answer, action);
}

function envelope(type: string, action: string, values: Readonly<Record<string, string>>): string {
  const elements = Object.entries(values).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`);
  return [
    '<?xml version="1.0"?>\r\n',
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ',
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>',
    `<u:${action} xmlns:u="${type}">${elements.join('')}</u:${action}>`,
    '</s:Body></s:Envelope>\r\n',
  ].join('');
}

function readAnswer({ status, body }: HttpAnswer, action: string): SoapOutcome {
  const root = parseXml(body);
  if (root?.name !== 'Envelope') return { outcome: 'error', code: undefined, description: `HTTP status ${status}` };
  const [response] = elementsNamed(root, `${action}Response`);
  if (status === 200 && response !== undefined) {
    return { outcome: 'done', values: Object.fromEntries(response.children.map(({ name, text }) => [name, text])) };
  }
  const [error] = elementsNamed(root, 'UPnPError');
  const code = Number(error === undefined ? Number.NaN : childText(error, 'errorCode'));
  const description =
    (error === undefined ? undefined : childText(error, 'errorDescription')) ?? `HTTP status ${status}`;
  const isCode = Number.isInteger(code) && code > 0 && code < 1000;
  return {
    outcome: 'error',
    code: isCode ? code : undefined,
    description: description.slice(0, MAX_DESCRIPTION_LENGTH),
  };
}
