/** The version of this build, from the one place where it is written. */
import packageJson from '../../package.json' with { type: 'json' };

export const VERSION: string = packageJson.version;
