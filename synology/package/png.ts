/** PNG pictures (W3C PNG, third edition): eight bits for each of red, green, blue and opacity. */
import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOUR_WITH_ALPHA = 6;
const BYTES_PER_PIXEL = 4;

/** Red, green, blue, opacity, each 0 to 255. */
export type Colour = readonly [number, number, number, number];

/** A square picture of `size` × `size` pixels. */
export function writePng(size: number, colourAt: (x: number, y: number) => Colour): Buffer {
  const rows = Buffer.alloc(size * (1 + size * BYTES_PER_PIXEL));
  for (let y = 0; y < size; y++) {
    // Each row begins with its filter: none.
    const row = y * (1 + size * BYTES_PER_PIXEL) + 1;
    for (let x = 0; x < size; x++) rows.set(colourAt(x, y), row + x * BYTES_PER_PIXEL);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, COLOUR_WITH_ALPHA, 0, 0, 0], 8);
  const parts = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([SIGNATURE, ...parts]);
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), content]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(content.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}
