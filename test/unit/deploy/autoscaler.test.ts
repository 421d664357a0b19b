/** The figure by which `overlays/by-requests` scales, as Prometheus computes it of what Purser tells. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { parse } from 'yaml'
import { createDirectory } from '../../support/embedded.ts'
import { isInstalled, programOf, skipWithout } from '../../support/peers.ts'
import { readExpression } from '../../support/promql.ts'

const FOLDER = 'deploy/kubernetes/overlays/by-requests'
const [rule] = parse(readFileSync(`${FOLDER}/adapter-rules.yaml`, 'utf8'))
const autoscaler = parse(readFileSync(`${FOLDER}/autoscaler.yaml`, 'utf8'))

/** What the adapter asks Prometheus for the pods of a namespace. */
const asked = (rule.metricsQuery as string)
  .replace('<<.Series>>', 'purser_http_requests_total')
  .replace('<<.LabelMatchers>>', 'namespace="purser",pod=~"a|b"')
  .replace('<<.GroupBy>>', 'pod')

test('the autoscaler asks for the figure that the rule makes, of a series that Purser has', async (t) => {
  const pods = autoscaler.spec.metrics.find(({ type }: { type: string }) => type === 'Pods')
  t.equal(pods.pods.metric.name, rule.name.as)
  const { selected } = readExpression(asked)
  t.strictSame(
    selected.map(({ series }) => series),
    ['purser_http_requests_total']
  )
  t.match(
    readFileSync('docs/metrics.md', 'utf8'),
    /^\| `purser_http_requests_total` \| counter \| [^|]*`route`/m
  )
  t.match(rule.seriesQuery, /^purser_http_requests_total\{/)
})

test('it is requests a second for each pod, without probes and scrapes', async (t) => {
  if (skipWithout(t, await isInstalled('promtool'))) return
  const series = (pod: string, route: string, step: number) => ({
    series: `purser_http_requests_total{namespace="purser",pod="${pod}",route="${route}"}`,
    values: `0+${step}x40`
  })
  const input_series = [
    series('a', '/v1/secrets', 150),
    series('a', '/v1/secrets/batch', 75),
    series('b', '/v1/secrets', 30),
    ...['/livez', '/readyz', '/health', '/internal/metrics'].map((route) => series('b', route, 999))
  ]
  const exp_samples = [
    { labels: '{pod="a"}', value: 15 },
    { labels: '{pod="b"}', value: 2 }
  ]
  const promql_expr_test = [{ expr: asked, eval_time: '5m', exp_samples }]
  const file = join(createDirectory(t), 'autoscaler.yaml')
  writeFileSync(
    file,
    JSON.stringify({ tests: [{ interval: '15s', input_series, promql_expr_test }] })
  )
  const { status, stdout, stderr } = spawnSync(
    programOf('promtool') ?? '',
    ['test', 'rules', file],
    {
      encoding: 'utf8',
      timeout: 120_000
    }
  )
  t.equal(status, 0, stdout + stderr)
})
