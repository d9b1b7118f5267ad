/** Tables that fit a phone. */
import { type Html, html } from './html.ts';

/** A table that a narrow screen shows as one block per row; the roles keep it a table for screen readers there. */
export function table(headings: readonly string[], rows: readonly (readonly Html[])[]): Html {
  const cell = (content: Html, column: number) =>
    html`<td role="cell" data-label="${headings[column]}">${content}</td>`;
  return html`<table role="table">
<thead role="rowgroup"><tr role="row">${headings.map((heading) => html`<th role="columnheader" scope="col">${heading}</th>`)}</tr></thead>
<tbody role="rowgroup">
${rows.map((cells) => html`<tr role="row">${cells.map(cell)}</tr>`)}
</tbody>
</table>`;
}
