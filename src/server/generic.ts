/** Any other web server: no identity, no credentials of its own; clients come in by network or PIN. */
import type { AskServer, ServerIdentity, ServerKind } from './kind.ts';
import { PROBE_TIMEOUT_MS } from './probe.ts';

export const generic: ServerKind = {
  name: 'generic',
  title: 'web server',
  defaultPort: 80,
  hasIdentity: false,
  discovery: undefined,
  atBasePath: () => generic,

  identify: answersAtAll,
  readIdentity: () => undefined,
  mayChangeClaim: () => false,
  isIdentity: () => false,
  renderIdentity: () => ({ contentType: 'text/plain; charset=utf-8', body: '' }),

  findCredentials: () => ({ found: 'none' }),
  verify: async () => ({ verdict: 'unverifiable' }),
  replaceCredentials: ({ target, rawHeaders }) => ({ target, rawHeaders: [...rawHeaders] }),
  unauthorizedHeaders: {},

  webClientPath: undefined,
  webOrigins: [],
  isWebClient: () => false,
  isViewerRequest: () => true,
  isSignIn: () => false,
  isTokenlessMedia: () => false,
  isBareStream: () => false,

  minimumSafeVersion: undefined,
};

/** Any answer will do: there is nobody to mistake it for, and nothing to claim. */
async function answersAtAll(ask: AskServer): Promise<ServerIdentity> {
  await ask({ path: '/', timeoutMs: PROBE_TIMEOUT_MS });
  return { id: '', name: undefined, version: undefined, claimed: true, basePath: '' };
}
