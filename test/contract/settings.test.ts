/**
 * No setting without effect. Rule: code reads each setting where it steers something, which the checks of settings and
 * those of `purser doctor` are not, and a test sets it and looks at what the service does; a setting whose effect is
 * still to come says so in .env.example and at a start that sets it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { type SettingName, settingNames } from '../../src/config/settings.ts'

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))

/** They say what settings there are, or what is to be said of them. */
const TABLES = /^src\/(config\/((administrator-)?settings|names|fixed)\.ts|doctor\/)/
/** They look at the table and the checks. */
const OF_TABLES = /^test\/(unit\/(config|doctor)|integration\/doctor|contract)\/|doctor\.test\.ts$/

/** What is read by its name, and not only spoken of. */
const codeOf = (file: string): string =>
  readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")

const isIn = (name: string, texts: readonly string[]): boolean =>
  texts.some((text) => new RegExp(`\\b${name}\\b`).test(text))

const files = filesBelow('src').filter((file) => !TABLES.test(file))
const code = files.map(codeOf)
const tests = filesBelow('test')
  .filter((file) => !OF_TABLES.test(file))
  .map((file) => readFileSync(file, 'utf8'))

/** What a setting does that no test of the service sees, and the test of the member that it becomes. */
const SEEN_ELSEWHERE: Readonly<Partial<Record<SettingName, { file: string; as: string }>>> = {
  AUDIT_FSYNC: { file: 'test/unit/audit/trail.test.ts', as: 'fsync' },
  AUDIT_REDIS_MB: { file: 'test/integration/redis-audit.test.ts', as: 'maxBytes' }
}

for (const name of settingNames) {
  test(`${name} is read, and a test sets it`, (t) => {
    t.ok(isIn(name, code), 'it is read where it steers something')
    const elsewhere = SEEN_ELSEWHERE[name]
    const seen = elsewhere === undefined ? tests : [readFileSync(elsewhere.file, 'utf8')]
    t.ok(isIn(elsewhere?.as ?? name, seen), 'a test sets it')
    t.end()
  })
}

test('a setting that nothing reads would be found', (t) => {
  t.notOk(isIn('RETENTION_PURGE_NOTHING', code))
  t.notOk(isIn('QUERIES_LOG', code), 'to be spoken of is no use')
  t.end()
})
