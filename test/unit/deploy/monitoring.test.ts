/** The alerts and the dashboard name what there is: each series and label of theirs, and every figure of ours. */
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { parse } from 'yaml'
import { documentedNames } from '../../../scripts/metrics.ts'
import { PROBLEMS } from '../../../src/core/problem.ts'
import { FAMILIES, type FamilyName, familyNames } from '../../../src/telemetry/families.ts'
import { readExpression } from '../../support/promql.ts'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}
interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

const alerts: readonly Alert[] = parse(
  readFileSync('deploy/prometheus/alerts.yaml', 'utf8')
).groups.flatMap(({ rules }: { rules: readonly Alert[] }) => rules)
const panels: readonly Panel[] = JSON.parse(
  readFileSync('deploy/grafana/purser.json', 'utf8')
).panels
/** As Grafana fills them in. */
const queries = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({
    title,
    legendFormat,
    expr: expr.replaceAll('$__rate_interval', '5m')
  }))
)

const documented = new Set(documentedNames(readFileSync('docs/metrics.md', 'utf8')))
/** What Prometheus adds to each series, and the service with WORKERS. */
const EVERYWHERE = ['job', 'instance', 'worker']

const familyOf = (series: string): string => {
  const base = series.replace(/_(?:bucket|sum|count)$/, '')
  return familyNames.some((name) => name === base && FAMILIES[name].type === 'histogram')
    ? base
    : series
}
const labelsOf = (series: string): readonly string[] => {
  const name = familyOf(series)
  const own = name in FAMILIES ? FAMILIES[name as FamilyName].labels : []
  return [...own, ...EVERYWHERE, ...(series.endsWith('_bucket') ? ['le'] : [])]
}

/** What is wrong with the names in an expression. */
const unknownIn = (expr: string): string[] => {
  const { selected, labels } = readExpression(expr)
  const known = new Set(selected.flatMap(({ series }) => labelsOf(series)))
  return [
    ...selected.flatMap(({ series, labels: own }) => [
      ...(series === 'up' || documented.has(familyOf(series)) ? [] : [series]),
      ...own.filter((label) => !labelsOf(series).includes(label)).map((one) => `${series}{${one}}`)
    ]),
    ...labels.filter((label) => !known.has(label))
  ]
}

test('what is no expression, or names what there is not, is found', async (t) => {
  t.throws(() => readExpression('rate(purser_ready[5m]'))
  t.throws(() => readExpression('1 + 1'))
  t.same(unknownIn('sum by (client) (rate(purser_nothing{store="a"}[5m]))'), [
    'purser_nothing',
    'purser_nothing{store}',
    'client',
    'store'
  ])
  t.same(unknownIn('purser_ready{store="a"} == 1'), ['purser_ready{store}', 'store'])
})

test('each alert is an expression of figures that there are', async (t) => {
  t.ok(alerts.length > 15)
  t.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length)
  for (const { alert, expr, labels, annotations } of alerts) {
    t.same(unknownIn(expr), [], alert)
    t.match(labels.severity, /^(?:critical|warning|info)$/, alert)
    // What a sentence names is what is left of the series.
    const shown = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label)
    const left = readExpression(expr).labels
    const isLeft = (label: string | undefined) =>
      left.includes(label ?? '') || (label === 'instance' && expr.startsWith('up{'))
    t.ok(shown.every(isLeft), `${alert}: ${shown}`)
  }
})

test('the words in matchers are words that figures have', async (t) => {
  const codes = Object.keys(PROBLEMS)
  const said = [...alerts, ...queries].flatMap(({ expr }) => [
    ...expr.matchAll(/(?:code|outcome)=~?"([^"]+)"/g)
  ])
  const known = [...codes, 'HIT', 'MISS', 'STALE', 'REVALIDATED', 'denied']
  t.ok(said.length > 5)
  for (const [, pattern = ''] of said) {
    for (const word of pattern.split('|')) {
      t.ok(
        known.some((one) => new RegExp(`^(?:${word})$`).test(one)),
        word
      )
    }
  }
})

test('what to do about an alert is on the page of operations, and nothing about another one', async (t) => {
  const page = readFileSync('docs/operations.md', 'utf8')
  const named = [...page.matchAll(/^\| (Purser\w+) \|/gm)].map(([, name]) => name)
  t.same(
    named,
    alerts.map(({ alert }) => alert).sort((a, b) => named.indexOf(a) - named.indexOf(b))
  )
})

test('each query of the dashboard is an expression of figures that there are', async (t) => {
  for (const { title, expr, legendFormat } of queries) {
    t.same(unknownIn(expr), [], title)
    const { labels, selected } = readExpression(expr)
    // Without `by` a series keeps all of its labels.
    const left = [
      ...labels,
      ...(expr.includes(' by ') ? [] : selected.flatMap((one) => labelsOf(one.series)))
    ]
    const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
    t.ok(
      shown.every((label) => left.includes(label)),
      `${title}: ${legendFormat}`
    )
  }
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
})

test('every figure of ours is on the dashboard', async (t) => {
  const shown = new Set(
    queries.flatMap(({ expr }) =>
      readExpression(expr).selected.map(({ series }) => familyOf(series))
    )
  )
  t.same(
    familyNames.filter((name) => !shown.has(name)),
    []
  )
})
