/** The private CA as a source of certificates: what is served when there is nothing that media apps know. */
import { GatewayError } from '../lib/errors.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { Authority } from './authority.ts';
import type { CertificateSource, LoadedCertificate } from './certificate-source.ts';

/** Endings under which a home knows a machine by its bare name. */
const HOME_SUFFIXES: readonly string[] = ['', '.home.arpa', '.internal', '.lan', '.local'];

export interface AuthoritySourceOptions {
  readonly state: StateFolder;
  /** `certificate.names`. */
  readonly names: readonly string[];
  /** Those of `names` that another source is to bring: that the root may not vouch for them is no fault. */
  readonly namesOfOthers?: readonly string[];
  /** This machine's name; only its first label counts. */
  readonly hostName: string;
  /** The gateway's LAN addresses as they are now; public ones are left out. Loopback ones are put in when they are listed. */
  readonly addresses: () => readonly string[];
  readonly now?: () => Date;
}

export class AuthoritySource implements CertificateSource {
  readonly name = 'private-ca';
  readonly #options: AuthoritySourceOptions;
  #authority: Authority | undefined;

  constructor(options: AuthoritySourceOptions) {
    this.#options = options;
  }

  /** A leaf for the addresses of this moment, from the authority in the state folder, which is made when it is missing. */
  async load(): Promise<LoadedCertificate> {
    const { state, names, now, hostName, namesOfOthers = [] } = this.#options;
    const label = hostLabel(hostName);
    this.#authority ??= await Authority.open({
      state,
      names: label === undefined ? names : [...names, label],
      ...(now === undefined ? {} : { now }),
    });
    const hostNames = label === undefined ? [] : HOME_SUFFIXES.map((suffix) => label + suffix);
    const home = await this.#authority.leafFor({
      names: [...names, ...hostNames],
      addresses: this.#options.addresses(),
    });
    const wanted = names.filter((name) => !namesOfOthers.includes(name));
    const refused = wanted.filter((name) => home.refusedNames.includes(name.toLowerCase()));
    const loaded = { chain: home.chain, origin: state.pathOf('ca') };
    return refused.length === 0 ? loaded : { ...loaded, fault: refusedNames(refused, state.pathOf('ca')) };
  }

  folders(): readonly string[] {
    return [];
  }
}

function refusedNames(names: readonly string[], folder: string): GatewayError {
  const list = names.map((name) => JSON.stringify(name)).join(', ');
  return new GatewayError(
    'certificate',
    `certificate.names: the private CA was made before ${list} and may not vouch for it`,
    {
      hint: `remove ${JSON.stringify(folder)}, restart, and install the new \`lockgate ca\` on the devices`,
    },
  );
}

/** The first label of the machine's name, lower case; undefined when it is none that DNS allows, or just `localhost`. */
function hostLabel(hostName: string): string | undefined {
  const label = hostName.split('.')[0]?.toLowerCase();
  if (label === undefined || label === 'localhost' || !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
    return undefined;
  return label;
}
