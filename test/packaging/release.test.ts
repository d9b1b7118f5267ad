/** What a release is stamped with: one version everywhere, and the changelog's section of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { changelogSection } from '../../docker/program/changelog.ts';
import packageJson from '../../package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '../..');
const CHANGELOG = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');

test('the version stands in package.json, and what must repeat it agrees', () => {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  assert.is(lock.version, packageJson.version);
  assert.ok(changelogSection(CHANGELOG, packageJson.version).length > 100);
});

test('the section of a version ends where the next one begins', () => {
  const text = '# Changelog\n\n## 1.10.0 (today)\n\n* New.\n\n### Details\n\nMore.\n\n## 1.1.0\n\n* Old.\n';
  assert.is(changelogSection(text, '1.10.0'), '* New.\n\n### Details\n\nMore.\n');
  assert.is(changelogSection(text, '1.1.0'), '* Old.\n');
});

test('a version without a word about it is no release', () => {
  for (const text of ['', '# Changelog\n\n## 1.0.0\n', '# Changelog\n\n## 1.0.1\n\n* New.\n']) {
    assert.throws(() => changelogSection(text, '1.0.0'), /CHANGELOG\.md says nothing of 1\.0\.0/);
  }
});

test.run();
