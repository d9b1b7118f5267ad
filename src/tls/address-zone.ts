/** Zones whose names spell addresses: `192-168-1-10.<zone>`, covered by one wildcard certificate. */

/** The media server's zone, and the private CA's. */
const WILDCARDS: readonly RegExp[] = [
  /^\*\.([0-9a-f]{32}\.plex\.direct)$/,
  /^\*\.([0-9a-f]{16}\.lockgate\.home\.arpa)$/,
];

/** The address-in-name zones that a certificate with these names covers. */
export function addressZones(names: readonly string[]): string[] {
  return names.flatMap((name) => WILDCARDS.flatMap((wildcard) => wildcard.exec(name)?.[1] ?? []));
}

/** The zone of a media server by the hash in its names (`CertificateUUID`). */
export function plexZone(certificateUuid: string): string {
  return `${certificateUuid.toLowerCase()}.plex.direct`;
}
