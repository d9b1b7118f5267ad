/** The data folder of the media server in a rehearsal: its settings and its certificate, which lasts until 2126 and secures nothing. */
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
DTBKMCkGCSqGSIb3DQEFDDAcBAgWD2pLUTvX4AICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGwjKo74JsQzvrCE7i6kmliAggQwl8VZ5Ng1
IiobdLJbTUFSy/hsTuAWNNKisX/k0SVur5Gi6L6teXHxODD8alI2CAwPuIle/9kGaod9J30ENOvgor9ceI5/7NbPh9R6d3rYIjNWnP+7PAsfUsd+UjLu
JULJzF3P1EkO/ZlbRVgmFI8wpx8CxaYsH+PoqdhXjEidhGUk8g9D3yJghwtfsgwk79WeL1LjIUAl+iK/atnLK/wZ7t10iw+/O+FT6PI3x8nIA/g4X07D
bQF7rhBrjBu6Cb9WzTeGPSfsGDY1hfhdO7Fl9bwy0fWAD1YjRTW5y3YuXLFeeQtGYRB1ax6s8+T8ivnGHgSmA2Zo/9fhvU7C9rVoB1eqmGsKynpJ55qr
y2ZWBEGwX1j62d6KxItskNBj2gRcqEQGNpRlf724SkpAc8KKcbBh0GoYXGTo8KgQnZmjPGJjSpq7W+sgIE0xmdB4s9UKcgsBXA4RR+o3cUaol5rF6oO3
M1AXkxCOqLAUT/VBIV8wn06ax86qc9Ylspo/y7afj3BACY/he87spG2mS6ZlxBjXfzhiAUfMGX+QWCoLRy3p33pw9YYaLEKf8cahxYCC1GsBvk3oRnmd
Vh1qkhtKscubbx9PFgARwC4fXaV8hUnCaVUSZcjg8JMh+7xbYYQzVk/oUb47rqbv2BcBbSgi7VQNOu1WHSIwsec1WPDKvMmkTNcC2USAIFyFdcsHsim8
NwGbnz7wMdbinFQRu1zMmSVnPBkGIsuE4ONxizQaQSzzx3lA3DldpeSP/1F8bq+Rh8q+QvUeomS4ofC35jjhpjtjCFZPzbL7P71iUU1/tbcuGCE4tF09
agamWcOqqIqxjGF5Eo1YoSJgp00TUiEmz1XND2TF/tIUbHIa3daaz0T1oEKd6G/nLyrSZFAupCkFbzCZanhmSD01J1tkbMYzaMC7hSwaFDgZ3G/S/7yt
D4f9NVCdaokBvn3rmo6vsSFaFhvD+QpDNPWZC8YjU4dY/YqLl8rSBJ390egn2Ryof5tJLaJoGfWDK5yUPIV0ba6WOPAjkQ+ldQAwGqB+KFrheAn1uPwZ
yK1zpBO+hRZBuUSQRKzArhm4NzVhG83Qg4gQ7aG7vBO/Wz95E1nDlHt2eQ2gvs3CnZmcecBzIayCXmlSUWhuqoxDt63mufhS83Jip7F50aFajVDRT+pc
jCvIbHG1FXUZqgdYsum6n3ji4hgZIo59rUHZa4oFaiMPrD9qPJiP8JFuLQ9394zZCzfwPi1jpY1mLDgwH+dr70yZKfgJT2eaTeHhCsrarRIi3AoveXz9
3j7ET7uUUuK4vP5+Q8j2grVwS9BJUJmdDQwTXpiMAPewBz44L1uJXZm0tEINTj3dPP+GcfdODh68M/SjNW359EZQtFq5aQtauDbf9CxgdFsqDXtFDkuO
clChe2pK2qDs+Nn4VftOzFPSZInxyTCCAUEGCSqGSIb3DQEHAaCCATIEggEuMIIBKjCCASYGCyqGSIb3DQEMCgECoIHvMIHsMFcGCSqGSIb3DQEFDTBK
MCkGCSqGSIb3DQEFDDAcBAjqvfrc3U7RTQICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEENMbcaUCoVoo61aItRlauI4EgZAobAyGQnSDzuVp
9TbwkbZvLN8IFCrCcWk63TALSeL5SbDhwf6F0ezi8n5CO6yN4fA37cvZ/HDue6deChTjA2BZN2g1iOBgNYWOjhtOe+NS0J1r4UpD/9sVDD6Y5YDTDkHv
EtVPzjBoK2Mj5ySso8Ns15nyUExJpI8h3PvmUscQUFC+R0U9Rzl54YK9f5op3XoxJTAjBgkqhkiG9w0BCRUxFgQUS54XiRYT3jmC4Ws3uqqbj89QbuIw
QTAxMA0GCWCGSAFlAwQCAQUABCD25k5MD5e6ytnTFNnlIPCBEYz/K9w/GHskfmv+yIUYJQQI+pyWJ7IHMAoCAggA
`;

/** Writes the folder. */
export function writePlexData(folder: string): void {
  mkdirSync(join(folder, 'Cache'), { recursive: true });
  writeFileSync(join(folder, 'Preferences.xml'), PREFERENCES);
  writeFileSync(join(folder, 'Cache/cert-v2.p12'), Buffer.from(CERTIFICATE, 'base64'));
}
