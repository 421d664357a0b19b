/** Each alert, in the engine of Prometheus: it fires when it should, not a step before, and not for what only comes close. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Test, test } from 'tap'
import { parse } from 'yaml'
import { ALERT_CASES, type AlertCase } from '../../support/alert-cases.ts'
import { createDirectory } from '../../support/embedded.ts'
import { isInstalled, programOf, skipWithout } from '../../support/peers.ts'

const RULES = resolve('deploy/prometheus/alerts.yaml')
const STEP = '15s'

interface Rule {
  readonly alert: string
}
const rules: readonly Rule[] = parse(readFileSync(RULES, 'utf8')).groups.flatMap(
  (group: { rules: readonly Rule[] }) => group.rules
)

const seriesOf = (all: Readonly<Record<string, string>>) =>
  Object.entries(all).map(([series, values]) => ({ series, values }))

const testsOf = ({ series, quietAt, firesAt, labels, summary, never }: AlertCase, rule: Rule) => {
  const at = (eval_time: string, exp_alerts: readonly object[]) => ({
    alertname: rule.alert,
    eval_time,
    exp_alerts
  })
  const fires = [{ exp_labels: labels, exp_annotations: { summary } }]
  const minutes = Array.from({ length: 65 }, (_, minute) => at(`${minute}m`, []))
  return [
    {
      interval: STEP,
      input_series: seriesOf(series),
      alert_rule_test: [at(quietAt, []), at(firesAt, fires)]
    },
    { interval: STEP, input_series: seriesOf(never), alert_rule_test: minutes }
  ]
}

/** As promtool reads them: JSON is YAML. The rule stands alone, since each minute evaluates all that are there. */
const writeCase = (folder: string, rule: Rule): string => {
  const { alert } = rule
  const found = ALERT_CASES[alert]
  if (found === undefined) throw new Error(`no case of ${alert}`)
  const alone = join(folder, `${alert}.rule.yaml`)
  const file = join(folder, `${alert}.yaml`)
  const tests = testsOf(found, rule)
  writeFileSync(alone, JSON.stringify({ groups: [{ name: alert, rules: [rule] }] }))
  writeFileSync(file, JSON.stringify({ rule_files: [alone], evaluation_interval: STEP, tests }))
  return file
}

/** What promtool says, or undefined where there is none. */
const promtool = async (t: Test, args: readonly string[]) => {
  if (skipWithout(t, await isInstalled('promtool'))) return undefined
  const { status, stdout, stderr } = spawnSync(programOf('promtool') ?? '', args, {
    encoding: 'utf8',
    timeout: 120_000
  })
  return { status, said: stdout + stderr }
}

test('every alert has a case, and no case is of another', async (t) => {
  t.same(Object.keys(ALERT_CASES).sort(), rules.map(({ alert }) => alert).sort())
})

test('the alerts are rules that Prometheus takes', async (t) => {
  const done = await promtool(t, ['check', 'rules', RULES])
  if (done !== undefined) t.match(done, { status: 0, said: `${rules.length} rules found` })
})

test('each alert fires when it should, not a step before, and not for what only comes close', async (t) => {
  const folder = createDirectory(t)
  const files = rules.map((rule) => writeCase(folder, rule))
  const done = await promtool(t, ['test', 'rules', ...files])
  if (done === undefined) return
  t.equal(done.status, 0, done.said)
  t.equal(done.said.match(/SUCCESS/g)?.length, rules.length)
})
