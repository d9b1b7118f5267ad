/** The numbers of the DNS wire format that listeners, zone and forwarder share (RFC 1035, RFC 6891). */

export const HEADER_BYTES = 12;
/** Answers over UDP are never larger, whatever the asker's EDNS says: it fits every path without fragments. */
export const MAX_UDP_BYTES = 1232;
/** What an asker without EDNS can take over UDP (RFC 1035 section 4.2.1). */
export const CLASSIC_UDP_BYTES = 512;
export const MAX_MESSAGE_BYTES = 65_535;
/** No question is longer, padding included; a longer message is not parsed. */
export const MAX_QUESTION_BYTES = 4096;
export const MAX_NAME_BYTES = 255;
export const MAX_LABEL_BYTES = 63;

export const CLASS_IN = 1;

export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  OPT: 41,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
} as const;

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

/** Bits of the third byte of a message. */
export const QR = 0x80;
export const OPCODE = 0x78;
export const AA = 0x04;
export const TC = 0x02;
export const RD = 0x01;
/** Bits of the fourth byte. */
export const RA = 0x80;
export const AD = 0x20;
export const CD = 0x10;
export const RCODE_MASK = 0x0f;

/** DO, in the OPT record's flags (RFC 3225). */
export const DNSSEC_OK = 0x8000;
