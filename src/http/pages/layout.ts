/** The shell of every page: one document, one stylesheet, headers under which nothing foreign can load, run or frame it. */
import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';
import { ICON_URI, LOGO } from './logo.ts';
import { STYLE } from './style.ts';

/** A page as it is sent. The headers leave out Content-Length and whatever the status code asks for. */
export interface RenderedPage {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What makes one page differ from another. */
export interface PageParts {
  readonly title: string;
  /** `narrow`: a card with a few sentences; `pin`: the sign-in form with its keypad; `wide`: the status page. */
  readonly shape: 'narrow' | 'pin' | 'wide';
  readonly main: Html;
  /** Inline script, sent unescaped: a constant of the program, never made from data. */
  readonly script?: string | undefined;
  /** Sources that the script may ask. */
  readonly connectTo?: readonly string[] | undefined;
  /** Go to `path` by itself after so many seconds. */
  readonly refresh?: { readonly afterSeconds: number; readonly path: string };
}

/** The whole document and its headers. */
export function renderPage(parts: PageParts): RenderedPage {
  return { html: documentOf(parts).text, headers: pageHeaders(parts) };
}

/** As the browser shows it. */
export function pageTitle(title: string): string {
  return `${title} · lockgate`;
}

function documentOf({ title, shape, main, script, refresh }: PageParts): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
${refresh && html`<meta http-equiv="refresh" content="${refresh.afterSeconds};url=${refresh.path}">`}
<title>${pageTitle(title)}</title>
<link rel="icon" href="${ICON_URI}">
${new Html(`<style>${STYLE}</style>`)}
</head>
<body class="${shape}">
<header>${LOGO}lockgate</header>
<main>
${main}
</main>
<footer>lockgate, the gate in front of this media server</footer>
${script && new Html(`<script>${script}</script>`)}
</body>
</html>
`;
}

/** The headers of a page: they depend on its script alone. */
export function pageHeaders({ script, connectTo }: Pick<PageParts, 'script' | 'connectTo'>): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `style-src ${STYLE_SOURCE}`,
    script && `script-src ${hashSource(script)}`,
    connectTo && `connect-src ${connectTo.join(' ')}`,
    'img-src data:',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policy.filter((directive) => directive !== undefined).join('; '),
    // Not `no-referrer`: under it browsers send `Origin: null` with our own forms, which the policy has to refuse.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Cache-Control': 'no-store',
  };
}

const STYLE_SOURCE = hashSource(STYLE);

/** The source expression that allows exactly this inline text (CSP Level 3, section 2.3.1). */
function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
