/** The keys of [certificate] and [acme]: what the gateway shows to TLS clients. */
import { choice, list, path, section, text } from '../key.ts';
import {
  readCertificateName,
  readCommonName,
  readEmail,
  readHostWithPort,
  readPath,
  readUrl,
  readWord,
} from '../values.ts';

/** The authority that is asked unless the file names another: public, free of charge. */
export const PUBLIC_DIRECTORY = 'https://acme-v02.api.letsencrypt.org/directory';

export const certificate = section('The certificate that TLS clients see.', {
  source: choice(['auto', 'server', 'files', 'acme', 'private-ca'], {
    initial: 'auto',
    help: 'auto: all that is there, chosen by the name that the client asks for; a private CA only when there is nothing else. server: the one in the data folder of the media server, or imported. files: the keys below. acme: from a certificate authority, as [acme] says; auto asks one too when [acme] has a key that is set and names holds a public name.',
  }),
  cert_file: path(readPath, {
    initial: '',
    help: 'The certificate chain in PEM, the leaf first; the private key may be in it. Read again when it changes.',
    example: '"/etc/ssl/films.example.org/fullchain.pem"',
  }),
  key_file: path(readPath, {
    initial: '',
    help: 'The private key in PEM that belongs to cert_file. Empty: it is in cert_file.',
  }),
  key_passphrase_file: path(readPath, {
    initial: '',
    help: 'The file that holds the passphrase of the key in key_file or cert_file. Empty: the key is not encrypted.',
  }),
  pfx_file: path(readPath, { initial: '', help: 'Certificate and key in one PKCS#12 file, instead of the PEM files.' }),
  pfx_passphrase_file: path(readPath, {
    initial: '',
    help: "The file that holds the passphrase of pfx_file. Empty: with kind plex the one derived from the server's identifier, else none.",
  }),
  names: list(readCertificateName, {
    initial: [],
    accepts: 'host names, *.NAME, addresses (private-ca only)',
    help: 'The names for which private-ca and acme make a certificate. Empty: private-ca takes the addresses and names of this host.',
    example: '["films.example.org"]',
  }),
  preferred_chain: text(readCommonName, {
    initial: '',
    accepts: 'the common name of a root certificate',
    help: 'Where the certificate came with more than one chain: the root to which the one leads that is sent. Old television sets know few roots. Empty: the chain as it came.',
    example: '"ISRG Root X1"',
  }),
  profile: choice(['modern', 'legacy'], {
    initial: 'modern',
    help: 'modern: TLS 1.2 and 1.3. legacy: adds TLS 1.0 and 1.1 and the ciphers that old television sets need.',
  }),
});

export const acme = section(
  'Certificates from a certificate authority by ACME (RFC 8555), for the names in [certificate] names: asked for, renewed and taken up by themselves. Who sets a key here agrees to the terms of that authority.',
  {
    directory: text((written) => readUrl(written, ['https']), {
      initial: PUBLIC_DIRECTORY,
      accepts: 'an https URL',
      help: 'The directory of the certificate authority.',
    }),
    ca_file: path(readPath, {
      initial: '',
      help: 'The root certificate, in PEM, of an authority of your own, with which its directory is verified. Empty: the authority is a public one.',
    }),
    profile: text(readWord, {
      initial: '',
      accepts: 'a name that the authority lists in its directory',
      help: 'Which kind of certificate to ask for, where the authority has several. Empty: its usual one.',
      example: '"shortlived"',
    }),
    email: text(readEmail, {
      initial: '',
      accepts: 'an e-mail address',
      help: 'Where the authority writes to. Empty: it gets no address.',
    }),
    challenge: choice(['auto', 'tls-alpn-01', 'http-01', 'dns-01'], {
      initial: 'auto',
      help: 'How the names are proven. tls-alpn-01 needs port 443 from outside, http-01 port 80, dns-01 neither. auto: dns-01 where hook or rfc2136_server is set; else tls-alpn-01 (http-01 first where port 80 leads here and 443 does not), after a failure the other of the two, and from then on the one that worked.',
    }),
    hook: path(readPath, {
      initial: '',
      help: 'dns-01: a program that sets and removes the TXT record. It is called with present or cleanup, the name of the record with a final dot, and its value.',
      example: '"/usr/local/bin/set-txt-record"',
    }),
    rfc2136_server: text(readHostWithPort, {
      initial: '',
      accepts: 'HOST or HOST:PORT',
      help: 'dns-01: the name server that takes updates (RFC 2136), instead of hook.',
    }),
    rfc2136_key_file: path(readPath, {
      initial: '',
      help: 'dns-01: the file with the TSIG key for rfc2136_server, as tsig-keygen writes it. Empty: updates are not signed.',
    }),
    eab_id: text(readWord, {
      initial: '',
      accepts: 'a key identifier',
      help: 'External account binding: the identifier that the authority gave you. Empty: none.',
    }),
    eab_key_file: path(readPath, { initial: '', help: 'External account binding: the file with the key to eab_id.' }),
  },
);
