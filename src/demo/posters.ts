/** Film posters drawn by a seeded dice: the same at every start, and no picture file in sight. */

export interface Poster {
  readonly slug: string;
  readonly title: string;
  readonly note: string;
  /** A complete SVG document, 300 by 450. */
  readonly svg: string;
}

type Dice = (low: number, high: number) => number;

const WIDTH = 300;
const HEIGHT = 450;

/** mulberry32: a small generator with a state of 32 bits. */
function diceFrom(seed: number): Dice {
  let state = seed;
  return (low, high) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return low + (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (high - low);
  };
}

/** One decimal is enough for a picture, and short. */
const round = (value: number) => Math.round(value * 10) / 10;

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** A closed shape whose upper edge is `edge(x)` and which reaches to the lower rim. */
function ground(edge: (x: number) => number, fill: string, step = 10): string {
  const points = times(WIDTH / step + 1, (index) => `${index * step} ${round(edge(index * step))}`);
  return `<path d="M${points.join('L')}V${HEIGHT}H0z" fill="${fill}"/>`;
}

function sky(...colours: readonly string[]): string {
  const stops = colours.map(
    (colour, index) => `<stop offset="${index / (colours.length - 1)}" stop-color="${colour}"/>`,
  );
  return `<linearGradient id="sky" x2="0" y2="1">${stops.join('')}</linearGradient><rect width="${WIDTH}" height="${HEIGHT}" fill="url(#sky)"/>`;
}

function sun(x: number, y: number, radius: number, colour: string): string {
  return `<radialGradient id="halo"><stop offset=".3" stop-color="${colour}" stop-opacity=".55"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/></radialGradient><circle cx="${x}" cy="${y}" r="${radius * 2.6}" fill="url(#halo)"/><circle cx="${x}" cy="${y}" r="${radius}" fill="${colour}"/>`;
}

/** Waves in layers under a pale sun. */
function tide(dice: Dice): string {
  const layers = ['#3f8f9b', '#2f7886', '#226272', '#184d5e', '#113a4a', '#0b2937'].map((fill, index) => {
    const [phase, length] = [dice(0, 6), dice(34, 60)];
    return ground((x) => 205 + index * 36 + Math.sin(x / length + phase) * 13 + Math.sin(x / 17 + phase) * 3, fill, 5);
  });
  return sky('#f2c9a1', '#e79b84', '#8a6f8f') + sun(205, 130, 44, '#fff0d2') + layers.join('');
}

/** Lines that part around something under the surface. */
function flow(dice: Dice): string {
  const [centreX, centreY] = [dice(120, 190), dice(180, 230)];
  const lines = times(46, (line) => {
    const y = line * 11 - 20;
    const points = times(31, (index) => {
      const x = index * 10;
      const distance = ((x - centreX) / 75) ** 2 + ((y - centreY) / 95) ** 2;
      return `${x} ${round(y - 62 * Math.exp(-distance) + 6 * Math.sin(x / 45 + line / 5))}`;
    });
    return `<path d="M${points.join('L')}" stroke="hsl(${168 + line * 1.6} 62% ${72 - line * 0.9}%)"/>`;
  });
  return `${sky('#06262b', '#0b3b45', '#08212c')}<g fill="none" stroke-width="3.4">${lines.join('')}</g>`;
}

/** Northern lights over a lit ferry. */
function night(dice: Dice): string {
  const stars = times(
    90,
    () =>
      `<circle cx="${round(dice(0, WIDTH))}" cy="${round(dice(0, 330))}" r="${round(dice(0.4, 1.5))}" opacity="${round(dice(0.3, 1))}"/>`,
  );
  const veils = times(26, (index) => {
    const height = dice(110, 240);
    return `<rect x="${round(index * 12 - 6)}" y="${round(250 - height + 34 * Math.sin(index / 4))}" width="${round(dice(10, 26))}" height="${round(height)}" opacity="${round(dice(0.2, 0.6))}"/>`;
  });
  const veil = `<linearGradient id="veil" x2="0" y2="1"><stop stop-color="#7c6cf0" stop-opacity="0"/><stop offset=".7" stop-color="#43e0b0"/><stop offset="1" stop-color="#43e0b0" stop-opacity="0"/></linearGradient><filter id="soft"><feGaussianBlur stdDeviation="7 3"/></filter>`;
  const shore = ground((x) => 322 - 16 * Math.sin(x / 52 + 1) - dice(0, 5), '#071522', 6);
  return `${sky('#050d1f', '#0d2740', '#164a5c')}<g fill="#fff">${stars.join('')}</g>${veil}<g fill="url(#veil)" filter="url(#soft)">${veils.join('')}</g>${shore}<path d="M150 356h44l-7 12h-30zM168 356v-16h14v16z" fill="#ffd78a"/>`;
}

/** A sun of nine rings and its reflection. */
function suns(dice: Dice): string {
  const bands = times(
    13,
    (index) =>
      `<rect x="${round(150 - dice(40, 118))}" y="${round(292 + index * 11 + index ** 1.4)}" width="${round(dice(90, 190))}" height="${round(2 + index * 0.35)}" rx="2"/>`,
  );
  const rings = times(
    9,
    (index) =>
      `<circle cx="150" cy="262" r="${(9 - index) * 25}" fill="hsl(${14 + index * 5} 88% ${46 + index * 4.6}%)"/>`,
  );
  return `<rect width="${WIDTH}" height="${HEIGHT}" fill="#c2402a"/>${rings.join('')}<rect y="280" width="${WIDTH}" height="170" fill="#5b1526"/><g fill="#ffb45e">${bands.join('')}</g>`;
}

/** The finished poster: shaded for the title, and grained like print. */
function draw(title: string, picture: string): string {
  const grain = `<filter id="grain"><feTurbulence type="fractalNoise" baseFrequency=".9" numOctaves="2"/><feColorMatrix values="0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 0 0 0 .16 0"/></filter>`;
  const shade = `<linearGradient id="shade" x2="0" y2="1"><stop offset=".62" stop-opacity="0"/><stop offset="1" stop-opacity=".72"/></linearGradient>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">${grain}${shade}${picture}<rect width="${WIDTH}" height="${HEIGHT}" fill="url(#shade)"/><rect width="${WIDTH}" height="${HEIGHT}" filter="url(#grain)"/><text x="24" y="416" font-family="Georgia,'Times New Roman',serif" font-size="30" fill="#fff">${title}</text></svg>`;
}

const FILMS = [
  { title: 'The Tide Keeper', note: 'Drama, 1 h 48', seed: 7, paint: tide },
  { title: 'Slow Water', note: 'Documentary, 52 min', seed: 21, paint: flow },
  { title: 'Nine Suns', note: 'Science fiction, 2 h 11', seed: 3, paint: suns },
  { title: 'Night Ferry', note: 'Mystery, 1 h 36', seed: 12, paint: night },
] as const;

/** The whole collection. */
export const POSTERS: readonly Poster[] = FILMS.map(({ title, note, seed, paint }) => ({
  slug: title.toLowerCase().replaceAll(' ', '-'),
  title,
  note,
  svg: draw(title, paint(diceFrom(seed))),
}));
