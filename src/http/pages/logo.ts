/** The mark: a padlock whose body is parted by the gates of a canal lock, as a map draws them: a wedge against the water. */
import { html } from './html.ts';

const SHACKLE = 'M10 14V9.2a6 6 0 0 1 12 0V14';
const UPPER_BODY = 'M8 13.5h16a3 3 0 0 1 3 3v1L16 22 5 17.5v-1a3 3 0 0 1 3-3z';
const LOWER_BODY = 'M5 20.7 16 25.2l11-4.5V25a3.5 3.5 0 0 1-3.5 3.5h-15A3.5 3.5 0 0 1 5 25z';

const SHAPES = html`<path d="${SHACKLE}" fill="none" stroke-width="2.8" stroke-linecap="round"/><path d="${UPPER_BODY}${LOWER_BODY}" stroke-width=".6" stroke-linejoin="round"/>`;

/** The mark in the colour of the text around it; decoration, hidden from screen readers. */
export const LOGO = html`<svg class="logo" viewBox="0 0 32 32" fill="currentColor" stroke="currentColor" aria-hidden="true" focusable="false">${SHAPES}</svg>`;

const ICON = html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="#12907d" stroke="#12907d">${SHAPES}</svg>`;

/** The mark as a data URI for the tab: without it browsers ask for /favicon.ico, which belongs to the media server. */
export const ICON_URI = `data:image/svg+xml,${encodeURIComponent(ICON.text)}`;
