/** What an expression of Prometheus names, by Prometheus' own grammar. */
import { parser } from '@prometheus-io/lezer-promql'

export interface Selected {
  readonly series: string
  readonly labels: readonly string[]
}

export interface Expression {
  readonly selected: readonly Selected[]
  /** All labels that are named anywhere: in matchers, `by` and `on`. */
  readonly labels: readonly string[]
}

/** Throws if it is no expression. */
export const readExpression = (text: string): Expression => {
  const selected: { series: string; labels: string[] }[] = []
  const labels: string[] = []
  parser.parse(text).iterate({
    enter: (node) => {
      const said = text.slice(node.from, node.to)
      if (node.type.isError) throw new Error(`no expression at ${node.from}: ${text}`)
      if (node.name === 'Identifier') selected.push({ series: said, labels: [] })
      if (node.name !== 'LabelName') return
      labels.push(said)
      if (node.node.parent?.name === 'UnquotedLabelMatcher') selected.at(-1)?.labels.push(said)
    }
  })
  if (selected.length === 0) throw new Error(`it names no series: ${text}`)
  return { selected, labels }
}
