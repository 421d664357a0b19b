/** Bars over time. Rule: the same numbers stand in a table, and what a colour says is said in words. */
import { useId } from 'preact/hooks'
import { barsOf, ceiling } from '../lib/geometry.ts'
import { count } from '../lib/text.ts'

const WIDTH = 480
const HEIGHT = 110

interface Series {
  readonly name: string
  readonly values: readonly number[]
  readonly look: 'one' | 'two'
}

interface ChartProps {
  readonly title: string
  /** What stands beside the title. */
  readonly note: string
  /** One on top of the other. */
  readonly series: readonly [Series, ...Series[]]
  /** One for each value. */
  readonly labels: readonly string[]
  readonly top?: number
  readonly unit?: string
}

const sums = (series: readonly Series[]): number[] =>
  series.reduce<number[]>(
    (all, { values }) => values.map((value, index) => value + (all[index] ?? 0)),
    []
  )

export const Chart = ({ title, note, series, labels, top, unit = '' }: ChartProps) => {
  const id = useId()
  const all = sums(series)
  const frame = { width: WIDTH, height: HEIGHT, top: top ?? ceiling(Math.max(...all, 1)) }
  return (
    <figure class="chart sheet" aria-labelledby={id}>
      <figcaption>
        <h2 id={id}>{title}</h2>
        <span class="dim">{note}</span>
      </figcaption>
      <div class="ends" aria-hidden="true">{`${count(frame.top)}${unit}`}</div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <line class="axis" x1="0" x2={WIDTH} y1="0" y2="0" />
        <line class="axis" x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
        {series.map(({ name, values, look }, place) =>
          barsOf(values, frame, sums(series.slice(0, place))).map((bar, index) =>
            bar.height > 0 ? (
              <rect key={`${name}${labels[index]}`} class={`bar ${look}`} {...bar} />
            ) : null
          )
        )}
      </svg>
      <div class="ends" aria-hidden="true">
        <span>{labels[0]}</span>
        <span>{labels.at(-1)}</span>
      </div>
      <details>
        <summary>As a table</summary>
        <Numbers title={title} series={series} labels={labels} unit={unit} />
      </details>
    </figure>
  )
}

const Numbers = ({
  title,
  series,
  labels,
  unit = ''
}: Pick<ChartProps, 'title' | 'series' | 'labels' | 'unit'>) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls takes the focus (WCAG 2.1.1)
  <section class="scroll numbers" aria-label={`${title}, as a table`} tabIndex={0}>
    <table>
      <caption class="unseen">{title}</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          {series.map(({ name }) => (
            <th key={name} scope="col" class="number">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {labels.map((label, index) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            {series.map(({ name, values }) => (
              <td key={name} class="number">{`${count(values[index] ?? 0)}${unit}`}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
)
