/**
 * Container images as one archive (OCI image layout 1.1), for several machines, the same bytes for the same trees. Read by podman, skopeo,
 * containerd and docker; `manifest.json` is there for docker versions that read nothing else.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { writeTar } from '../program/tar.ts';
import { file, type Tree, tree } from '../program/tree.ts';

const MEDIA_TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

/** What runs, and how; the part of the image configuration that is the same on every machine. */
export type RunSettings = Readonly<Record<string, unknown>>;

export interface Platform {
  /** As OCI and Go call it: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly root: Tree;
}

export interface ImageOptions {
  readonly name: string;
  readonly version: string;
  readonly settings: RunSettings;
  /** `org.opencontainers.image.*`: in the manifests, and as labels. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly platforms: readonly Platform[];
  /** Seconds since 1970. */
  readonly createdAt: number;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The archive: one index that names one image for each platform. */
export function writeOciArchive(options: ImageOptions): Buffer {
  const { name, version, annotations, platforms, createdAt } = options;
  const blobs = new Blobs();
  const images = platforms.map((platform) => addImage(blobs, platform, options));
  const index = blobs.addJson(MEDIA_TYPES.index, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ manifest, architecture }) => ({ ...manifest, platform: { architecture, os: 'linux' } })),
    annotations,
  });
  const names = {
    'io.containerd.image.name': `docker.io/library/${name}:${version}`,
    'org.opencontainers.image.ref.name': version,
  };
  const layout = tree(
    file('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' })),
    file('index.json', JSON.stringify({ schemaVersion: 2, manifests: [{ ...index, annotations: names }] })),
    file(
      'manifest.json',
      JSON.stringify(
        images.map(({ config, layer, architecture }) => ({
          Config: pathOf(config),
          RepoTags: [`${name}:${version}-${architecture}`],
          Layers: [pathOf(layer)],
        })),
      ),
    ),
    ...blobs.files(),
  );
  return writeTar(layout, { modifiedAt: createdAt });
}

function addImage(blobs: Blobs, { architecture, root }: Platform, options: ImageOptions) {
  const { settings, annotations, createdAt } = options;
  const archive = writeTar(root, { modifiedAt: createdAt });
  const layer = blobs.add(MEDIA_TYPES.layer, gzipSync(archive, { level: 9 }));
  const created = new Date(createdAt * 1000).toISOString().replace('.000', '');
  const config = blobs.addJson(MEDIA_TYPES.config, {
    created,
    architecture,
    os: 'linux',
    config: { ...settings, Labels: annotations },
    rootfs: { type: 'layers', diff_ids: [digestOf(archive)] },
    history: [{ created, comment: options.name }],
  });
  const manifest = blobs.addJson(MEDIA_TYPES.manifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config,
    layers: [layer],
    annotations,
  });
  return { architecture, manifest, config, layer };
}

/** Content by digest, each once. */
class Blobs {
  readonly #contents = new Map<string, Buffer>();

  add(mediaType: string, content: Buffer): Descriptor {
    const digest = digestOf(content);
    this.#contents.set(digest, content);
    return { mediaType, digest, size: content.length };
  }

  addJson(mediaType: string, value: unknown): Descriptor {
    return this.add(mediaType, Buffer.from(JSON.stringify(value)));
  }

  files() {
    return [...this.#contents].map(([digest, content]) => file(pathOf({ digest }), content));
  }
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function pathOf({ digest }: { digest: string }): string {
  return `blobs/${digest.replace(':', '/')}`;
}
