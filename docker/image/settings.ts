/** How the image runs: the same words in the archive and in the Dockerfile. */
import { ENVIRONMENT_WORDS } from '../program/flags.ts';
import { DESCRIPTION, LICENSE, VERSION } from '../program/release.ts';
import type { RunSettings } from './oci.ts';
import { INSTALL_FOLDER, USER_ID } from './root-files.ts';

const SECOND_NS = 1_000_000_000;

/** Docker's image configuration; `Healthcheck` is Docker's own, other programs pass over it. */
export const RUN_SETTINGS: RunSettings = {
  User: `${USER_ID}:${USER_ID}`,
  Env: [`PATH=${INSTALL_FOLDER}`, 'LOCKGATE_STATE=/data', ...ENVIRONMENT_WORDS],
  Entrypoint: [`${INSTALL_FOLDER}/lockgate`],
  Cmd: ['run'],
  WorkingDir: '/data',
  Volumes: { '/data': {} },
  ExposedPorts: { '32443/tcp': {} },
  StopSignal: 'SIGTERM',
  Healthcheck: {
    Test: ['CMD', `${INSTALL_FOLDER}/lockgate`, 'status', '--gateway'],
    Interval: 60 * SECOND_NS,
    Timeout: 20 * SECOND_NS,
    StartPeriod: 30 * SECOND_NS,
    Retries: 3,
  },
};

export const ANNOTATIONS = {
  'org.opencontainers.image.title': 'lockgate',
  'org.opencontainers.image.description': DESCRIPTION,
  'org.opencontainers.image.version': VERSION,
  'org.opencontainers.image.licenses': LICENSE,
} as const;
