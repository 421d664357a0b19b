/** Tables in Markdown, a row at a time. */

const line = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`)

/** The first column has text, all others numbers. */
export const showHead = (...columns: readonly string[]): void => {
  console.log()
  line(columns)
  console.log(`|---|${'---:|'.repeat(columns.length - 1)}`)
}

export const showRow = (...cells: readonly string[]): void => line(cells)
