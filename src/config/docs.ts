/** Writes docs/configuration.md from the schema. */
import { writeToml } from './example.ts';
import { type NamedKey, namedKeys, sections } from './schema.ts';

const HEAD = `# Configuration

<!-- Written by \`make docs\` from src/config/sections: change it there. -->

One TOML file, \`/etc/lockgate/lockgate.toml\` unless \`--config PATH\` or \`LOCKGATE_CONFIG\` names another. Every key has a
default and an empty file is valid, so write only what you change. \`lockgate init\` writes a short file to begin with,
\`lockgate check\` says everything that is wrong with a file and what in it will surprise, \`lockgate reload\` puts it to use, but for the keys that say "at the next start".

- **Lists** are an array or one string with commas: \`["a", "b"]\` or \`"a, b"\`.
- **Durations** are a number with its unit in quotes: \`"500ms"\`, \`"120s"\`, \`"5m"\`, \`"12h"\`, \`"7d"\`.
- **Networks** are addresses, CIDR (\`192.168.1.0/24\`, \`fd00::/64\`), IPv4 addresses with a mask
  (\`192.168.1.0/255.255.255.0\`), or words: \`lan\` for the networks of \`access.lan_networks\`, \`loopback\` for this host.
- **Paths** that are relative start at the folder of the file.

Unknown keys, wrong types and impossible values are errors, all reported at once:

    lockgate.toml:2:1: listen.prot: unknown key (did you mean \`port\`?)
      2 | prot = 32400
        | ^
`;

/** The whole page. */
export function renderConfigurationDocs(): string {
  const chapters = Object.entries(sections).map(([section, { help }]) => {
    const keys = namedKeys.filter((named) => named.section === section);
    return `\n## [${section}]\n\n${help}\n${keys.map(renderKey).join('')}`;
  });
  return HEAD + chapters.join('');
}

function renderKey({ name, id, key }: NamedKey): string {
  const facts = [
    `Default: \`${writeToml(key.initial)}\``,
    `Takes: ${key.accepts}`,
    key.example === undefined ? undefined : `Example: \`${name} = ${key.example}\``,
    key.platform === undefined ? undefined : `Platforms: ${key.platform}`,
  ];
  const lines = facts.filter((fact) => fact !== undefined).map((fact) => `- ${fact}\n`);
  return `\n### ${id}\n\n${key.help}\n\n${lines.join('')}`;
}
