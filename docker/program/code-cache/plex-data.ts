/** The data folder of the media server in a rehearsal: its settings and its certificate (2020 to 2119), which secures nothing. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the server says it is: the SHA-1 of its identifier, as Plex makes it. */
export const PROCESSED_IDENTIFIER = '05e4fd315484d73804370abb8011406b80bd8253';
/** A name of the certificate. */
export const SERVER_NAME = '127-0-0-1.0123456789abcdef0123456789abcdef.plex.direct';

const PREFERENCES = `<?xml version="1.0" encoding="utf-8"?>
<Preferences MachineIdentifier="3f1b2c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d" ProcessedMachineIdentifier="${PROCESSED_IDENTIFIER}"
  CertificateUUID="0123456789abcdef0123456789abcdef" FriendlyName="Rehearsal"/>
`;

/** PKCS#12 by OpenSSL: leaf, intermediate and key (P-256), under the passphrase that Plex derives from its identifier. */
const CERTIFICATE = `
MIIGXAIBAzCCBhIGCSqGSIb3DQEHAaCCBgMEggX/MIIF+zCCBLIGCSqGSIb3DQEHBqCCBKMwggSfAgEAMIIEmAYJKoZIhvcNAQcBMFcGCSqGSIb3DQEF
DTBKMCkGCSqGSIb3DQEFDDAcBAj6ZIVxP8Li0AICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEFGup7bixbsUxrtaTnytl8iAggQw7Ow19+gp
XzyL3ymvVPt7tFAC/wB/guCqiroXzeNUUp+4ejLQe74Zc1zVawn1OJMdcgCeE1n/Lg6pNXrDzv97DWzUTxNdp6Yo18E4H6K1MEE6E0cyUoU8VQ3vlr6+
u7hBEL9FfmyCciBjdisyxg3ZgVmuIpDE8QumFN5HKmi3R7z2Vwzy0pYmAXzFtKrZtxwHnwd8CoVY76lTmWtRMiNHks4Alm1zZglwF8uBOnWPaahrLUsF
GXqoCaQ3bnbTZvu3i2k+rAN2ZXRSpRjYTJIebacMjFUnp2jwtfpGWVxMlhoMf8zK054bnPzvitJPoiMo3bOANQtKAFIsVngEDZI8j5f7TJCXGfUFcIca
2vGJfWn03n0V6Jd+K6GewFqKvIXR7QQmq+3JgUminL1qbwJ66MF05e0bOEd6xnjuSg/JTc4Kas4dN0he8BDQ/7+7kv02WfWfPHrEdVhBsb7WqUy9ZwMW
HHL+Al4mLR43AjQYjuaEj7aM8Kixm0lnduSGWw1zHChxB8VfWFUetfeuQelN2919UoQm68gB8lzjZaVvFuJnMe1uRRaoN66k//404rNzdYvO7txWvDcl
mh9yh1161fjNes9BGBUp5QYwt0NjInd1/Uzi8Gl6WJ5AlZZ/NtFimgDS4+EwNnHiVn+2ogjPlcfi3JFiqlmJ6MLhKR/ukoEtfYFVxiAvUQWromBfRDMm
KzlR4Uql9lGOQ/7GLcNdQCb3CcuotoKJr5FiT+ydhtm3wainJsz8Xy3Qhbsi1cgMQzM2SWMPyg+GZcGIcUwjxVL2XxdkH/ZuOtLsqFwDrpBD18Zo4x2X
Azu9EE23+xe5nglmX2w2VbW1qkiy9NRA1cWko1bc88OjNAJs6yeLncaz1hxQYkdF2hLTUDGnxQY25FfJSAu4vd0wSul9Ul1kJiO298CrfM5LJyXUljIk
3wReiRQS0Mlnkth47WGL/+EuN8w/6WgdgFrS8udXmP37EzQxZ79PDIEbdpHC8IsrPcgHNpiJyXeIavyoDkgpC7Cm7T/bwW/XH0ZAiG7DdH5GUojbuzcp
XaB2eDakQUXUCzx4IQNX/+cr16q6q0jSWMDU+O7vDnJ69bGLxv+QH4CZHHBozcSunnz6oZZGm0uGX/4I2x5lgd8jOSPwXVkLulHXrhKIhFZ0QN7B6dif
whxi6KMsdLkdVSNNcv+10ey7vHtHeL39AGWtLu5YzF38MFRIkktlOQPzQtzCnScVINCXOuX+Ak7Of+smvjn6tOq5/pZ7uWQT/Higkv4tANMdZyOWGLEm
i4+kMHABwm88iyuDHl4GA5CAQ6f1CNbmq/7Gs9Ti3RfIK676Apw9C/rA8+GFT2GYFO6uDHhoXTO3wCdJRO/SM+Y+Nio3cOP+Dr+hnx2R1x3UtUqLyrE4
dTqJnV5drpvoqTUMyTjoJrvSU/dagzCCAUEGCSqGSIb3DQEHAaCCATIEggEuMIIBKjCCASYGCyqGSIb3DQEMCgECoIHvMIHsMFcGCSqGSIb3DQEFDTBK
MCkGCSqGSIb3DQEFDDAcBAgpCZ1yMlnsoQICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEtx59UMVtYBYmC3pxgEusAEgZChcxSXaPD+KFtW
JD7PetVPE6xFCEdOTXEaI8oqPovbRNuxawWYmkJPh6q4sZjXS25Wo2BYRZDZK0sgN248fWAoKZBob5I04njbL5M/lXeptYjyhq70+7IQFIHvtFXJbvqP
oLdew1ARhIRy7biGKitMCGZQkTwIZLmc6g01ve+VBQlu2epHplHZVm8p2r7ggFQxJTAjBgkqhkiG9w0BCRUxFgQU+aQbrwV4dh/xqf6COP8hz4E91tIw
QTAxMA0GCWCGSAFlAwQCAQUABCCfP8vT8jGLhnvvqx4I10q0LvNvc34JomjwwAosSrp94gQIEJeZLOxposICAggA
`;

/** Writes the folder. */
export function writePlexData(folder: string): void {
  mkdirSync(join(folder, 'Cache'), { recursive: true });
  writeFileSync(join(folder, 'Preferences.xml'), PREFERENCES);
  writeFileSync(join(folder, 'Cache/cert-v2.p12'), Buffer.from(CERTIFICATE, 'base64'));
}
