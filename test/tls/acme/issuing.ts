/** An issuer over a stand-in authority and a state folder: what the tests of the issuer share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateFolder } from '../../../src/lib/state-folder.ts';
import { AcmeIssuer, type AcmeIssuerOptions, type AcmeView } from '../../../src/tls/acme/issuer.ts';
import type { AcmeSettings } from '../../../src/tls/acme/settings.ts';
import { AcmeStore } from '../../../src/tls/acme/store.ts';
import { type AcmeStandIn, startAcmeStandIn } from '../../support/acme-stand-in.ts';
import { type LogEntry, rememberingLog } from '../front.ts';

const DEADLINE_MS = 30_000;

export interface Issuing {
  readonly authority: AcmeStandIn;
  readonly state: StateFolder;
  readonly store: AcmeStore;
  readonly entries: readonly LogEntry[];
  /** A new issuer over the same state folder; the former is closed. */
  restart(options?: Partial<AcmeIssuerOptions>, settings?: Partial<AcmeSettings>): Promise<AcmeIssuer>;
  /** Resolves when `isSo` of the issuer's view. */
  until(isSo: (view: AcmeView) => boolean): Promise<AcmeView>;
}

export function settingsFor({ directory, caFile }: Pick<AcmeStandIn, 'directory' | 'caFile'>): AcmeSettings {
  return {
    wish: { directory, names: ['films.example.org'], profile: '' },
    email: '',
    challenge: 'auto',
    caFile,
    hook: '',
    nameServer: undefined,
    nameServerKeyFile: '',
    externalId: '',
    externalKeyFile: '',
    ways: { ports: [32443], mappedPort: 0, place: 'linux' },
  };
}

export async function whileIssuing(work: (issuing: Issuing) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-issuing-'));
  const authority = await startAcmeStandIn();
  const state = new StateFolder(join(folder, 'state'));
  const log = rememberingLog();
  let issuer: AcmeIssuer | undefined;
  try {
    await work({
      authority,
      state,
      store: new AcmeStore(state),
      entries: log.entries,
      restart: async (options = {}, settings = {}) => {
        await issuer?.close();
        issuer = new AcmeIssuer({ settings: { ...settingsFor(authority), ...settings }, state, log, ...options });
        await issuer.load();
        issuer.start(() => {});
        return issuer;
      },
      until: async (isSo) => {
        const endsAt = performance.now() + DEADLINE_MS;
        for (;;) {
          const view = issuer?.view;
          if (view !== undefined && isSo(view)) return view;
          if (performance.now() > endsAt) throw new Error(`it never came: ${JSON.stringify(view)}`);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      },
    });
  } finally {
    await issuer?.close();
    await authority.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
