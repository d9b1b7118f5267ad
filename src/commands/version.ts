/** `lockgate version`: version, Node version, build target. */
import { VERSION } from '../lib/version.ts';
import { type Command, EXIT_DONE } from './command.ts';

export const versionCommand: Command = {
  name: 'version',
  synopsis: '',
  summary: 'version, Node version, build target',
  async run({ json, print }) {
    const target = `${process.platform}-${process.arch}`;
    if (json) print(JSON.stringify({ version: VERSION, node: process.versions.node, target }));
    else print(`lockgate ${VERSION} (Node ${process.versions.node}, ${target})`);
    return EXIT_DONE;
  },
};
