/** The page that a person sees in a browser when the gateway refuses: what happened, what to do, and the word for it. */
import { html } from './html.ts';
import { pageHeaders, renderPage } from './layout.ts';
import { badge, LOCKED_BADGE } from './verdict.ts';

export interface ErrorPageContent {
  readonly status: number;
  /** What happened, in a few words. */
  readonly title: string;
  /** One or two sentences: what was refused, and what to do. */
  readonly detail: string;
  /** The value of X-Lockgate-Reason, for whoever is asked for help. */
  readonly reason: string;
  /** Where to sign in, when that would help. */
  readonly signInPath?: string;
}

/** The headers that go with every error page: all are the same, for none has a script. */
export const ERROR_PAGE_HEADERS = pageHeaders({});

/** Returns an HTML document without scripts, forms or outside resources; every value is escaped. */
export function renderErrorPage({ status, title, detail, reason, signInPath }: ErrorPageContent): string {
  const signIn =
    signInPath && html`<p class="actions"><a class="button" href="${signInPath}">Sign in with a PIN</a></p>`;
  const main = html`<div class="card">${status < 500 ? LOCKED_BADGE : badge('attention')}
<h1>${title}</h1>
<p>${detail}</p>
${signIn}
<p class="reason">Answered by the gateway <code>${status} ${reason}</code></p>
</div>`;
  return renderPage({ title, shape: 'narrow', main }).html;
}
