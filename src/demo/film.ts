/** A short film without an end: a boat is lifted through a canal lock. One animated SVG, 640 by 360, 16 seconds a round. */

/** The two levels of the water, and the way between them. */
const LOW = 268;
const HIGH = 198;
const LIFT = HIGH - LOW;

const STYLE = `
.boat{animation:boat 16s ease-in-out infinite}.bob{animation:bob 3s ease-in-out infinite alternate}
.level{animation:level 16s ease-in-out infinite}
.lower{transform-origin:232px 0;animation:lower 16s ease-in-out infinite}.upper{transform-origin:412px 0;animation:upper 16s ease-in-out infinite}
.ripple{animation:ripple 4s linear infinite}.cloud{animation:cloud 16s ease-in-out infinite alternate}
@keyframes boat{0%{transform:translate(-70px,0)}22%,32%{transform:translate(322px,0)}54%,62%{transform:translate(322px,${LIFT}px)}84%,100%{transform:translate(730px,${LIFT}px)}}
@keyframes bob{to{transform:translateY(2px) rotate(.6deg)}}
@keyframes level{0%,32%{transform:none}54%,88%{transform:translateY(${LIFT}px)}97%,100%{transform:none}}
@keyframes lower{0%,23%,100%{transform:scaleX(5)}29%,96%{transform:none}}
@keyframes upper{0%,55%,90%,100%{transform:none}61%,84%{transform:scaleX(5)}}
@keyframes ripple{to{transform:translateX(-40px)}}
@keyframes cloud{to{transform:translateX(40px)}}
@media (prefers-reduced-motion:reduce){*{animation-play-state:paused!important}}
`.replaceAll('\n', '');

/** Light on a stretch of water that drifts to the left. */
function ripples(from: number, to: number, y: number): string {
  const dashes = [10, 24, 40].map(
    (down, row) =>
      `<path d="M${from + row * 9} ${y + down}H${to + 40}" stroke-dasharray="${14 + row * 6} ${26 - row * 6}"/>`,
  );
  return `<svg x="${from}" y="0" width="${to - from}" height="360" viewBox="${from} 0 ${to - from} 360"><g class="ripple">${dashes.join('')}</g></svg>`;
}

/** A complete SVG document. */
export const FILM_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360"><style>${STYLE}</style>
<linearGradient id="sky" x2="0" y2="1"><stop stop-color="#20406b"/><stop offset=".45" stop-color="#c9758a"/><stop offset=".75" stop-color="#ffc58a"/></linearGradient>
<linearGradient id="water" x2="0" y2="1"><stop stop-color="#3fa3a0"/><stop offset="1" stop-color="#0d4657"/></linearGradient>
<rect width="640" height="360" fill="url(#sky)"/>
<circle cx="470" cy="128" r="60" fill="#ffe6b8" opacity=".35"/><circle cx="470" cy="128" r="34" fill="#fff1d0"/>
<g class="cloud" fill="#fff" opacity=".28"><rect x="70" y="62" width="150" height="12" rx="6"/><rect x="110" y="48" width="80" height="12" rx="6"/><rect x="330" y="84" width="120" height="10" rx="5"/></g>
<path d="M0 186q90-58 190-22t190-18 260 6v208H0z" fill="#7d5d86"/><path d="M0 214q120-34 230-8t410-22v176H0z" fill="#4a4470"/>
<path d="M560 190l9-46 9 46zM590 192l12-60 12 60zM40 232l9-44 9 44zM68 236l7-32 7 32z" fill="#2c2f55"/>
<rect y="${LOW}" width="232" height="100" fill="url(#water)"/><rect x="408" y="${HIGH}" width="232" height="162" fill="url(#water)"/>
<rect x="232" y="180" width="176" height="180" fill="#3a3550"/><path d="M232 204h176M232 228h176M232 252h176M232 276h176M232 300h176" stroke="#2b2740" stroke-width="2"/>
<g class="level"><rect x="232" y="${LOW}" width="176" height="170" fill="url(#water)"/></g>
<path d="M408 292h232v68H408z" fill="#2b2740"/>
<g stroke="#fff" stroke-opacity=".35" stroke-width="2" stroke-linecap="round">${ripples(0, 232, LOW)}${ripples(412, 640, HIGH)}</g>
<g fill="#6b3f2a"><rect class="lower" x="228" y="176" width="9" height="160"/><rect class="upper" x="403" y="176" width="9" height="118"/></g>
<g class="boat"><g class="bob"><path d="M-46 ${LOW - 12}h88l-10 22h-66q-8 0-12-22z" fill="#c8402f"/><path d="M-46 ${LOW - 12}h88l-2 5h-84z" fill="#ffe6b8"/><path d="M-28 ${LOW - 32}h44v20h-44z" fill="#f6efe2"/><path d="M-22 ${LOW - 27}h10v8h-10zm15 0h10v8H-7z" fill="#2c5f77"/><path d="M22 ${LOW - 12}v-38M22 ${LOW - 50}l-16 6 16 6" stroke="#3a2a22" stroke-width="2.5" fill="#17bebb"/></g></g>
<path d="M222 172h20v188h-20zM398 172h20v188h-20z" fill="#1f1c33"/><path d="M206 168h52v8h-52zM382 168h52v8h-52z" fill="#f6efe2"/>
</svg>`;
