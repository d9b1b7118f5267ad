/** The messages of the Port Control Protocol, RFC 6887: the MAP opcode for TCP, without options. Pure. */
import { ADDRESS_BYTES, addressBytes, addressFromBytes } from './address-bytes.ts';

export const PCP_PORT = 5351;
export const PCP_NONCE_BYTES = 12;

const VERSION = 2;
const MAP = 1;
const ANSWER_BIT = 0x80;
const TCP = 6;
/** Section 7.1, and 11.1 for MAP. */
const HEADER_BYTES = 24;
const MAP_BYTES = HEADER_BYTES + 36;
/** Section 7: no message is longer. */
const MAX_MESSAGE_BYTES = 1100;

export interface PcpMapRequest {
  /** The own address: the router compares it with the sender's. */
  readonly clientAddress: string;
  readonly nonce: Buffer;
  readonly internalPort: number;
  readonly externalPort: number;
  /** 0 removes the mapping. */
  readonly leaseSeconds: number;
}

export interface PcpMapAnswer {
  /** Section 7.4; 0: done. */
  readonly resultCode: number;
  /** Of the mapping or, with an error, how long the error will last. */
  readonly leaseSeconds: number;
  /** Seconds since the router's state began. */
  readonly epochSeconds: number;
  readonly externalPort: number;
  /** None is ever suggested, so one that a refusal names is the router's own. */
  readonly externalAddress: string | undefined;
}

export function writePcpMapRequest(request: PcpMapRequest): Buffer {
  const message = Buffer.alloc(MAP_BYTES);
  message.writeUInt8(VERSION, 0);
  message.writeUInt8(MAP, 1);
  message.writeUInt32BE(request.leaseSeconds, 4);
  addressBytes(request.clientAddress).copy(message, 8);
  request.nonce.copy(message, HEADER_BYTES);
  message.writeUInt8(TCP, 36);
  message.writeUInt16BE(request.internalPort, 40);
  message.writeUInt16BE(request.externalPort, 42);
  addressBytes(request.clientAddress.includes(':') ? '::' : '0.0.0.0').copy(message, 44);
  return message;
}

/** Whether a datagram answers a MAP request with this nonce and port, well or not; a refusal of the version counts. */
export function isPcpAnswer(datagram: Buffer, { nonce, internalPort }: PcpMapRequest): boolean {
  if (isOtherVersion(datagram)) return true;
  if (datagram.length < MAP_BYTES || datagram.length > MAX_MESSAGE_BYTES || datagram.length % 4 !== 0) return false;
  if (datagram.readUInt8(0) !== VERSION || datagram.readUInt8(1) !== (ANSWER_BIT | MAP)) return false;
  const isSame = datagram.subarray(HEADER_BYTES, HEADER_BYTES + PCP_NONCE_BYTES).equals(nonce);
  return isSame && datagram.readUInt8(36) === TCP && datagram.readUInt16BE(40) === internalPort;
}

/** A router that speaks only NAT-PMP answers in that protocol (section 9), or repeats the head alone. */
function isOtherVersion(datagram: Buffer): boolean {
  return datagram.length >= 2 && datagram.readUInt8(0) !== VERSION && (datagram.readUInt8(1) & ANSWER_BIT) !== 0;
}

/** Reads what `isPcpAnswer` let through; undefined: the router does not speak PCP version 2. */
export function readPcpMapAnswer(datagram: Buffer): PcpMapAnswer | undefined {
  if (isOtherVersion(datagram)) return undefined;
  return {
    resultCode: datagram.readUInt8(3),
    leaseSeconds: datagram.readUInt32BE(4),
    epochSeconds: datagram.readUInt32BE(8),
    externalPort: datagram.readUInt16BE(42),
    externalAddress: addressFromBytes(datagram.subarray(44, 44 + ADDRESS_BYTES)),
  };
}
