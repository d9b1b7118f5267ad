/** The private CA as a configuration profile for iPhones, iPads, Apple TVs and Macs. */
import { X509Certificate } from 'node:crypto';

/** The profile (XML property list). The same certificate gives the same profile, so that installing it again replaces it. */
export function renderMobileconfig(certificatePem: string): string {
  const certificate = new X509Certificate(certificatePem);
  const digest = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const name = certificate.subject.replace(/^CN=/, '');
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>PayloadType</key><string>Configuration</string>
  <key>PayloadVersion</key><integer>1</integer>
  <key>PayloadIdentifier</key><string>lockgate.${digest.slice(0, 16)}</string>
  <key>PayloadUUID</key><string>${uuidFrom(digest.slice(0, 32))}</string>
  <key>PayloadDisplayName</key><string>${name}</string>
  <key>PayloadDescription</key><string>Lets this device trust the gateway in front of your media server, and nothing outside your home.</string>
  <key>PayloadContent</key>
  <array>
    <dict>
      <key>PayloadType</key><string>com.apple.security.root</string>
      <key>PayloadVersion</key><integer>1</integer>
      <key>PayloadIdentifier</key><string>lockgate.${digest.slice(0, 16)}.root</string>
      <key>PayloadUUID</key><string>${uuidFrom(digest.slice(32))}</string>
      <key>PayloadDisplayName</key><string>${name}</string>
      <key>PayloadCertificateFileName</key><string>lockgate-ca.cer</string>
      <key>PayloadContent</key>
      <data>${certificate.raw.toString('base64')}</data>
    </dict>
  </array>
</dict>
</plist>
`;
}

/** 32 hex digits in the form of a UUID. */
function uuidFrom(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5').toUpperCase();
}
