/** One version's section of CHANGELOG.md: what a release says of itself. */

/** From `## VERSION` to the next heading of that level, without its own heading. Throws when there is none, or nothing in it. */
export function changelogSection(changelog: string, version: string): string {
  const [, ...sections] = changelog.split(/^## /m);
  const found = sections.find((section) => section.split(/\s/, 1)[0] === version);
  const text = found?.slice(found.indexOf('\n')).trim() ?? '';
  if (text === '') throw new Error(`CHANGELOG.md says nothing of ${version}`);
  return `${text}\n`;
}
