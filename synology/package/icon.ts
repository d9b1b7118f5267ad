/** The project's mark as DSM's icon: a white padlock on the project's green, its body parted by the gates of a canal lock. */
import { type Colour, writePng } from './png.ts';

/** The mark is drawn on a square of 32 units, as in src/http/pages/logo.ts. */
const UNITS = 32;
const GREEN = [18, 144, 125] as const;
const WHITE = [255, 255, 255] as const;
/** Points that each pixel is tested at, in each direction. */
const SAMPLES = 4;
/** How much of the square the mark takes. */
const MARK_SCALE = 0.78;

/** The icon as PNG, `size` pixels wide. */
export function drawIcon(size: number): Buffer {
  return writePng(size, (x, y) => colourOfPixel(x, y, UNITS / size));
}

/** The mean of the points of one pixel, by how much of it each shape covers. */
function colourOfPixel(x: number, y: number, unitsPerPixel: number): Colour {
  let inside = 0;
  let marked = 0;
  for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
    const px = (x + ((sample % SAMPLES) + 0.5) / SAMPLES) * unitsPerPixel;
    const py = (y + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES) * unitsPerPixel;
    if (!isInRoundedBox(px, py, { left: 0.5, top: 0.5, right: 31.5, bottom: 31.5, radius: 7 })) continue;
    inside++;
    if (isInMark((px - 16) / MARK_SCALE + 16, (py - 16) / MARK_SCALE + 16)) marked++;
  }
  if (inside === 0) return [0, 0, 0, 0];
  const mix = (index: 0 | 1 | 2) => Math.round((WHITE[index] * marked + GREEN[index] * (inside - marked)) / inside);
  return [mix(0), mix(1), mix(2), Math.round((255 * inside) / (SAMPLES * SAMPLES))];
}

function isInMark(x: number, y: number): boolean {
  return isInShackle(x, y) || isInBody(x, y);
}

/** A bow of width 2.8: half a circle around (16, 9.2) on two upright ends. */
function isInShackle(x: number, y: number): boolean {
  const halfWidth = 1.4;
  if (y > 14) return false;
  const distance = y < 9.2 ? Math.abs(Math.hypot(x - 16, y - 9.2) - 6) : Math.abs(Math.abs(x - 16) - 6);
  return distance <= halfWidth;
}

/** A box without the gap that points downwards. */
function isInBody(x: number, y: number): boolean {
  if (!isInRoundedBox(x, y, { left: 5, top: 13.5, right: 27, bottom: 28.5, radius: 3.2 })) return false;
  const gate = y + (Math.abs(x - 16) * 4.5) / 11;
  return gate <= 22 || gate >= 25.2;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly radius: number;
}

function isInRoundedBox(x: number, y: number, { left, top, right, bottom, radius }: Box): boolean {
  const dx = Math.max(left + radius - x, x - (right - radius), 0);
  const dy = Math.max(top + radius - y, y - (bottom - radius), 0);
  return Math.hypot(dx, dy) <= radius;
}
