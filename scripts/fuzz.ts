/**
 * `npm run fuzz -- --seconds <n> [--seed <n>] [--keep] [<parser> ...]`: made-up inputs for the parsers of whatever somebody else
 * may have written. What breaks a parser's promises is written to test/corpus/, and with `--keep` one input for each new outcome.
 */
import { parseArgs } from 'node:util'
import { addToCorpus } from '../test/support/fuzz/corpus.ts'
import { fuzz } from '../test/support/fuzz/run.ts'
import { fuzzSubjects } from '../test/support/fuzz/subjects.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.trunc(Math.random() * 0x7fff_ffff)) },
    keep: { type: 'boolean', default: false }
  }
})
const chosen = fuzzSubjects.filter(
  ({ name }) => positionals.length === 0 || positionals.includes(name)
)
const seed = Number(values.seed)
const milliseconds = (Number(values.seconds) * 1_000) / chosen.length
if (!(milliseconds > 0) || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run fuzz -- --seconds <n> [--seed <n>] [--keep] [<parser> ...]')
  process.exit(2)
}

console.log(`seed ${seed}`)
const sum = { executions: 0, findings: 0 }
for (const subject of chosen) {
  const end = performance.now() + milliseconds
  const { executions, findings, fresh } = await fuzz(subject, seed, () => performance.now() < end)
  for (const { input, found } of findings) {
    console.log(`${subject.name}: ${found}: ${JSON.stringify(input)}`)
    addToCorpus(subject.name, { input, taken: false, found })
  }
  if (values.keep) for (const entry of fresh) addToCorpus(subject.name, entry)
  console.log(
    `${subject.name}: ${executions} executions, ${fresh.length} new outcomes, ${findings.length} findings`
  )
  sum.executions += executions
  sum.findings += findings.length
}
console.log(`${sum.executions} executions, ${sum.findings} findings`)
process.exitCode = sum.findings > 0 ? 1 : 0
