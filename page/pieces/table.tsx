/** Tables. Rule: a column is a row of a list, so that head and cells cannot disagree; the first cell names its row. */
import type { ComponentChildren } from 'preact'

export interface Column<Row> {
  readonly title: string
  readonly of: (row: Row) => ComponentChildren
  readonly look?: 'number' | 'acts'
}

interface TableProps<Row> {
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row, index: number) => string
}

export const Table = <Row,>({ caption, columns, rows, keyOf }: TableProps<Row>) => (
  // Whoever has no mouse has to be able to move a wide table.
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls takes the focus (WCAG 2.1.1)
  <section class="scroll" aria-label={caption} tabIndex={0}>
    <table>
      <caption>{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ title, look }) => (
            <th key={title} scope="col" class={look}>
              {look === 'acts' ? <span class="unseen">{title}</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={keyOf(row, index)}>
            {columns.map(({ title, of, look }, place) =>
              place === 0 ? (
                <th key={title} scope="row">
                  {of(row)}
                </th>
              ) : (
                <td key={title} class={look}>
                  {of(row)}
                </td>
              )
            )}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
)
