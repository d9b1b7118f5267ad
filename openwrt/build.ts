/** Builds the OpenWrt packages, .ipk and .apk, for every machine: `node build.ts`. The bundle must have been built. */
import { ARCHITECTURES } from '../docker/program/pins.ts';
import { ProgramBuilder } from '../docker/program/program-builder.ts';
import { ROOT, sourceDate, writePackage } from '../docker/program/release.ts';
import { gatewayPackage, luciPackage, ROUTER_NAMES, toApk, toIpk } from './package/packages.ts';
import { INSTALL_FOLDER, routerPayload } from './package/payload.ts';

const modifiedAt = sourceDate();
const builder = new ProgramBuilder(ROOT);
const gateways = ARCHITECTURES.flatMap((architecture) => {
  const payload = routerPayload(builder.tree(architecture, INSTALL_FOLDER), modifiedAt);
  return ROUTER_NAMES[architecture].map((name) => gatewayPackage(name, payload));
});
for (const one of [...gateways, luciPackage()]) {
  for (const { name, bytes } of [toIpk(one, modifiedAt), toApk(one, modifiedAt)]) writePackage(name, bytes);
}
