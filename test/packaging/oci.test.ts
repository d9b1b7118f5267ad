/** The image archive: every digest and size in it, read back by tar and gunzip. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeOciArchive } from '../../docker/image/oci.ts';
import { ANNOTATIONS, RUN_SETTINGS } from '../../docker/image/settings.ts';
import { SAMPLE, SAMPLE_TIME } from './sample.ts';
import { listArchive, readFromArchive } from './system.ts';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string };
}

const OPTIONS = {
  name: 'sample',
  version: '1.2.3',
  settings: RUN_SETTINGS,
  annotations: ANNOTATIONS,
  platforms: ['amd64', 'arm64'].map((architecture) => ({ architecture, root: SAMPLE })),
  createdAt: SAMPLE_TIME,
};
const ARCHIVE = writeOciArchive(OPTIONS);

function digest(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The content that a descriptor names, after a look at its size and digest. */
function follow({ digest: name, size }: Descriptor): Buffer {
  const bytes = readFromArchive(ARCHIVE, `blobs/${name.replace(':', '/')}`);
  assert.is(bytes.length, size);
  assert.is(digest(bytes), name);
  return bytes;
}

function followJson(descriptor: Descriptor) {
  return JSON.parse(follow(descriptor).toString());
}

function platforms(): { descriptor: Descriptor; manifest: { config: Descriptor; layers: Descriptor[] } }[] {
  const { manifests } = JSON.parse(readFromArchive(ARCHIVE, 'index.json').toString());
  assert.is(manifests.length, 1);
  const index = followJson(manifests[0]);
  return index.manifests.map((descriptor: Descriptor) => ({ descriptor, manifest: followJson(descriptor) }));
}

test('the layout leads to one image for each machine, every digest and size right', () => {
  assert.is(readFromArchive(ARCHIVE, 'oci-layout').toString(), '{"imageLayoutVersion":"1.0.0"}');
  const found = platforms();
  assert.equal(
    found.map(({ descriptor }) => descriptor.platform),
    [
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ],
  );
  for (const { descriptor, manifest } of found) {
    const config = followJson(manifest.config);
    assert.is(config.architecture, descriptor.platform?.architecture);
    const [layer] = manifest.layers;
    assert.ok(layer);
    assert.is(config.rootfs.diff_ids[0], digest(gunzipSync(follow(layer))));
    assert.is(config.created, '2026-01-02T03:04:05Z');
  }
});

test('the layer is the tree, owners and modes included', () => {
  const [first] = platforms();
  const [layer] = first?.manifest.layers ?? [];
  assert.ok(layer);
  const lines = listArchive(follow(layer));
  assert.match(lines[0] ?? '', /^drwxrwxrwt 10001\/10001 .* data\/$/);
});

test('it runs as a user of its own, with a health check, and without a shell', () => {
  const [first] = platforms();
  assert.ok(first);
  const { config } = followJson(first.manifest.config);
  assert.is(config.User, '10001:10001');
  assert.equal(config.Entrypoint, ['/opt/lockgate/lockgate']);
  assert.equal(config.Healthcheck.Test, ['CMD', '/opt/lockgate/lockgate', 'status', '--gateway']);
  assert.is(config.StopSignal, 'SIGTERM');
  assert.is(config.Labels['org.opencontainers.image.title'], 'lockgate');
});

test('older docker finds both images by a name of their own', () => {
  const list = JSON.parse(readFromArchive(ARCHIVE, 'manifest.json').toString());
  assert.equal(
    list.map(({ RepoTags }: { RepoTags: string[] }) => RepoTags),
    [['sample:1.2.3-amd64'], ['sample:1.2.3-arm64']],
  );
});

test('the bytes are the same for the same trees', () => {
  assert.ok(writeOciArchive(OPTIONS).equals(ARCHIVE));
});

test('the Dockerfile says the same as the archive', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docker/Dockerfile'), 'utf8');
  const said = (word: string) => new RegExp(`^${word} (.*)$`, 'm').exec(text)?.[1];
  assert.is(said('USER'), RUN_SETTINGS['User']);
  assert.is(said('ENV'), (RUN_SETTINGS['Env'] as string[]).join(' '));
  assert.equal(JSON.parse(said('ENTRYPOINT') ?? ''), RUN_SETTINGS['Entrypoint']);
  assert.equal(JSON.parse(said('CMD') ?? ''), RUN_SETTINGS['Cmd']);
  assert.is(said('WORKDIR'), RUN_SETTINGS['WorkingDir']);
  assert.is(said('STOPSIGNAL'), RUN_SETTINGS['StopSignal']);
  const { Test } = RUN_SETTINGS['Healthcheck'] as { Test: string[] };
  assert.equal(JSON.parse(/^HEALTHCHECK .* CMD (\[.*\])$/m.exec(text)?.[1] ?? ''), Test.slice(1));
});

test.run();
