/** Builds the OpenWrt packages, .ipk and .apk, for every machine: `node build.ts`. The bundle must have been built. */
import { ProgramBuilder } from '../docker/program/program-builder.ts';
import { ROOT, sourceDate, writePackage } from '../docker/program/release.ts';
import { gatewayPackages, luciPackage, toApk, toIpk } from './package/packages.ts';
import { INSTALL_FOLDER, routerPayload } from './package/payload.ts';

const modifiedAt = sourceDate();
const builder = new ProgramBuilder(ROOT);
const gateways = builder.trees(INSTALL_FOLDER).flatMap(({ architecture, tree }) => {
  return gatewayPackages(architecture, routerPayload(tree, modifiedAt));
});
for (const one of [...gateways, luciPackage()]) {
  for (const { name, bytes } of [toIpk(one, modifiedAt), toApk(one, modifiedAt)]) writePackage(name, bytes);
}
