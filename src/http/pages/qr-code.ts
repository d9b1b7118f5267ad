/** QR codes as inline SVG: a phone's camera finds a page that nobody has to type. */
import { encode } from 'uqr';
import { type Html, html } from './html.ts';

/** Modules of white around the code, without which scanners do not find it (ISO/IEC 18004 section 6.3.8). */
const QUIET_ZONE = 4;

/** The code for `text` (a URL), black on white in every colour scheme, with `label` for those who do not see it. */
export function qrCode(text: string, label: string): Html {
  const { size, data } = encode(text, { ecc: 'M', border: QUIET_ZONE });
  return html`<svg class="qr" role="img" aria-label="${label}" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path fill="#000" d="${outline(data)}"/></svg>`;
}

/** One stroke for each run of black modules in a row. */
function outline(rows: readonly (readonly boolean[])[]): string {
  const strokes = rows.flatMap((row, y) => {
    const starts = row.flatMap((isBlack, x) => (isBlack && row[x - 1] !== true ? [x] : []));
    return starts.map((x) => `M${x} ${y}h${runLength(row, x)}v1H${x}z`);
  });
  return strokes.join('');
}

function runLength(row: readonly boolean[], start: number): number {
  const end = row.indexOf(false, start);
  return (end < 0 ? row.length : end) - start;
}
