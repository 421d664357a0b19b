/** The trail of the built service: whole after a kill, checked by the command, and each manipulation named. */
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { keptAnchors } from '../../src/audit/anchors.ts'
import type { KnownAnchor } from '../../src/audit/chain-line.ts'
import { createTrail } from '../../src/audit/trail.ts'
import { verifyTrail } from '../../src/audit/verify.ts'
import { beginKey } from '../../src/crypto/audit-key.ts'
import { createKeyring } from '../../src/crypto/keyring.ts'
import { createEmbeddedState } from '../../src/state/embedded.ts'
import { configureAudited, disclosed, idsOf, readAll, readOne } from '../support/audited-service.ts'
import { createDirectory } from '../support/embedded.ts'
import {
  createConfigured,
  issueKey,
  putLocal,
  runPurser,
  serve,
  startPurser
} from '../support/purser-process.ts'
import { trailLines } from '../support/trail-lines.ts'

const readEnvKey = (folder: string): string =>
  /^ENCRYPTION_KEYS=(.*)$/m.exec(readFileSync(join(folder, '.env'), 'utf8'))?.[1] ?? ''

const auditOf = (folder: string): string => join(folder, 'data', 'audit')

/** The newest day's. */
const fileIn = (audit: string): string =>
  readdirSync(audit)
    .filter((name) => /^\d/.test(name))
    .sort()
    .at(-1) ?? ''

/** A service that ended in order, one that was killed under load, one after it. */
const lived = async (t: Test) => {
  const { folder, variables, key } = await configureAudited(t)
  const audit = auditOf(folder)
  const answeredOf = async (url: string, ids: readonly string[]): Promise<string[]> =>
    disclosed(await readAll(url, key, ids))
  const first = await serve(t, folder)
  const answered = await answeredOf(first.url, idsOf('first', 1_000))
  t.equal(answered.length, 1_000)
  first.child.kill('SIGTERM')
  await first.ended
  const firstFile = fileIn(audit)
  const firstLines = linesOf(join(audit, firstFile)).length

  const second = await serve(t, folder)
  answered.push(...(await answeredOf(second.url, idsOf('second', 50))))
  const size = (): number => statSync(join(audit, fileIn(audit))).size
  const before = size()
  const reading = answeredOf(second.url, idsOf('killed', 1_000))
  while (size() < before + 2_000) await new Promise((resolve) => setImmediate(resolve))
  second.child.kill('SIGKILL')
  answered.push(...(await reading))

  const third = await serve(t, folder)
  answered.push(...(await answeredOf(third.url, idsOf('third', 3))))
  third.child.kill('SIGTERM')
  await third.ended
  const logged = first.output.stdout
  return { folder, audit, answered, variables, logged, firstFile, firstLines }
}

const anchorsIn = async (folder: string): Promise<KnownAnchor[]> => {
  const state = createEmbeddedState(join(folder, 'data'))
  const anchors = await keptAnchors(state)
  await state.close()
  return anchors
}

const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').filter(Boolean)

const put = (path: string, lines: readonly string[]): void =>
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''))

test('what was answered is on record also after kill -9, its numbers have no gap, and each manipulation is named', async (t) => {
  const { folder, audit, answered, variables, logged, firstFile, firstLines } = await lived(t)
  const today = fileIn(audit)
  const files = readdirSync(audit)
  const lines = files.flatMap((file) =>
    linesOf(join(audit, file)).flatMap((line) => {
      // A line that the kill cut off.
      if (!line.endsWith('}')) return []
      return trailLines(line)
    })
  )
  const recorded = new Set(lines.map((line) => line['requestId']))
  t.strictSame(
    answered.filter((id) => !recorded.has(id)),
    []
  )
  t.ok(answered.length >= 1_053)
  const numbers = new Map<string, number[]>()
  for (const { instance, seq } of lines) {
    numbers.set(instance, [...(numbers.get(instance) ?? []), seq])
  }
  t.equal(numbers.size, 3)
  for (const own of numbers.values()) t.ok(own.every((seq, i) => seq === i + 1))

  const checked = await runPurser(t, folder, ['audit', 'verify', '--json'])
  t.equal(checked.code, 0, checked.stdout + checked.stderr)
  const { anchors: known, ...found } = JSON.parse(checked.stdout)
  t.match(found, { verdict: /^ok$/, instances: 3, sealed: 2 })
  // The one that was killed may not have kept its own.
  t.ok(known === 4 || known === 5, `${known} anchors`)
  const [, ...anchor] =
    /"instance":"([^"]+)","seq":(\d+),"head":"([^"]+)","msg":"audit anchor"/.exec(logged) ?? []
  const since = ['audit', 'verify', '--since', '1d', '--head', anchor.join(':')]
  t.match(await runPurser(t, folder, since), {
    code: 0,
    stdout: new RegExp(`^ok: .* ${known + 1} anchors`)
  })

  const anchors = await anchorsIn(folder)
  const { find } = createKeyring([variables['ENCRYPTION_KEYS'] ?? ''])
  const after = async (spoil: (copy: string) => void): Promise<string[]> => {
    const copy = createDirectory(t)
    cpSync(audit, copy, { recursive: true })
    spoil(copy)
    const options = { folder: copy, anchors, findKey: find, auditor: undefined }
    const { findings } = await verifyTrail(options)
    return findings.map(({ verdict, file = '', line = '', seq: at = '' }) =>
      `${verdict} ${file}:${line} ${at}`.trim()
    )
  }
  const first = firstFile
  const edit = (file: string, change: (all: string[]) => string[]) => (copy: string) =>
    put(join(copy, file), change(linesOf(join(copy, file))))
  const dropped = edit(first, (all) => all.toSpliced(500, 1))
  t.strictSame(await after(dropped), [`line missing ${first}:501 501`])
  const altered = edit(first, (all) =>
    all.with(500, (all[500] ?? '').replace('allowed', 'allowee'))
  )
  t.strictSame(await after(altered), [`tampered ${first}:501 501`])
  const swapped = edit(first, (all) => all.with(7, all[9] ?? '').with(9, all[7] ?? ''))
  t.strictSame(await after(swapped), [`reordered ${first}:8 8`])
  const firstSeal = trailLines(linesOf(join(audit, first))[firstLines - 1] ?? '')[0]
  t.match(firstSeal, { chain: 'seal' })
  const gone = await after(edit(first, (all) => all.slice(firstLines)))
  t.strictSame(gone, [`segment missing : ${firstSeal?.seq}`])
  const total = linesOf(join(audit, today)).length
  const cut = await after(edit(today, (all) => all.slice(0, -1)))
  t.strictSame(cut, [`truncated ${today}:${total - 1} 5`])
})

test('the command says what it cannot tell, and what is no trail', async (t) => {
  const { folder } = createConfigured(t)
  const auditor = join(folder, 'auditor.key')
  const made = await runPurser(t, folder, ['audit', 'key', 'new', '--out', auditor])
  t.match(made, { code: 0, stdout: /^-----BEGIN PUBLIC KEY-----/ })
  t.equal(statSync(auditor).mode & 0o777, 0o600)
  t.match(await runPurser(t, folder, ['audit', 'key', 'new', '--out', auditor]), {
    code: 1,
    stdout: '',
    stderr: /is there already/
  })
  t.match(await runPurser(t, folder, ['audit', 'verify']), { code: 2, stderr: /There is no trail/ })

  writeFileSync(join(folder, 'auditor.pem'), made.stdout)
  const env = { AUDIT_AUDITOR_KEY_FILE: 'auditor.pem' }
  await putLocal(folder, 'team/db', 'value')
  const { url, child, ended } = await serve(t, folder, env)
  t.match(await readOne(url, await issueKey(folder), 'r1'), { status: 200 })
  child.kill('SIGTERM')
  await ended
  t.match(await runPurser(t, folder, ['audit', 'verify']), { code: 2, stdout: /^cannot tell/ })
  const withKey = ['audit', 'verify', '--auditor-key', auditor]
  t.match(await runPurser(t, folder, withKey), { code: 0, stdout: /^ok/ })
  const audit = auditOf(folder)
  const offline = await runPurser(t, createDirectory(t), [...withKey, audit])
  t.match(offline, { code: 0, stdout: /^ok/ }, 'a copy, without settings')
  const path = join(audit, fileIn(audit))
  put(path, linesOf(path).toSpliced(1, 1))
  t.match(await runPurser(t, folder, withKey), {
    code: 1,
    stdout: /^broken: .*\nline missing {2}\S+\.jsonl:2 {2}[\w-]{11} 2 /
  })
})

test('the trail is followed while the service runs, and exported so that it can be verified elsewhere', async (t) => {
  const { folder } = createConfigured(t)
  await putLocal(folder, 'team/db', 'value')
  const { url, child, ended } = await serve(t, folder)
  const key = await issueKey(folder)
  t.match(await readOne(url, key, 'before'), { status: 200 })
  const pretty = startPurser(t, folder, ['audit', 'tail', '--since', '1h'])
  const json = startPurser(t, folder, ['audit', 'tail', '--since', '1h', '--json'])
  await pretty.says(
    /allowed {2}secret\.read {7}app {2}local:team\/db {2}GET \/v1\/secrets from 127\.0\.0\.1 MISS\n/
  )
  await json.says(/"requestId":"before"/)
  t.match(await readOne(url, 'nonsense', 'after'), { status: 401 })
  await pretty.says(/denied {3}key\.authenticate {2}- {2}- {2}invalid_api_key unreadable/)
  const line = await json.says(/\{.*"requestId":"after".*\}/)
  t.match(JSON.parse(line[0]), { action: 'key.authenticate', seq: 3 })
  child.kill('SIGTERM')
  await ended

  const exported = (format: string) => runPurser(t, folder, ['audit', 'export', '--format', format])
  const copy = createDirectory(t)
  const { stdout } = await exported('jsonl')
  const handedOn = join(copy, 'trail.jsonl')
  writeFileSync(handedOn, stdout)
  const whole = /4 lines of 1 instance in 1 segment, 1 sealed/
  t.match(await runPurser(t, folder, ['audit', 'verify', handedOn]), {
    code: 0,
    stdout: new RegExp(`^ok: ${whole.source}`)
  })
  const elsewhere = await runPurser(t, copy, ['audit', 'verify', handedOn])
  t.match(elsewhere, { code: 2, stdout: new RegExp(`^cannot tell: ${whole.source}`) })
  t.match(elsewhere.stdout, /1 segment whose MACs need a key that is not here \(ENCRYPTION_KEYS/)
  const { folder: ofOthers } = createConfigured(t)
  t.match(await runPurser(t, ofOthers, ['audit', 'verify', handedOn]), {
    code: 2,
    stdout: new RegExp(`^cannot tell: ${whole.source}`)
  })
  writeFileSync(handedOn, stdout.replace('"before"', '"behind"'))
  t.match(await runPurser(t, folder, ['audit', 'verify', handedOn]), { code: 1 })
  const ocsf = (await exported('ocsf')).stdout.trimEnd().split('\n')
  t.strictSame(
    ocsf.map((one) => JSON.parse(one).type_uid),
    [600302, 300201]
  )
  const ecs = (await exported('ecs')).stdout.trimEnd().split('\n')
  t.strictSame(
    ecs.map((one) => JSON.parse(one).event.outcome),
    ['success', 'failure']
  )
  const wrong = await runPurser(t, folder, ['audit', 'export', '--format', 'cef'])
  t.match(wrong, { code: 2, stdout: '' })
})

test('what an operator does on the command line is on record, in chains of its own', async (t) => {
  const { folder } = createConfigured(t)
  const run = (args: readonly string[], input = '') => runPurser(t, folder, args, { input })
  t.match(await run(['store', 'put', 'local:team/db'], '{"user":"canary-value"}'), { code: 0 })
  t.match(await run(['store', 'get', 'local:team/db#user']), { stdout: 'canary-value\n' })
  t.match(await run(['store', 'get', 'local:team/none']), { code: 1 })
  t.match(await run(['resolve', 'local:team/db#user']), { stdout: 'canary-value\n' })
  t.match(await run(['store', 'delete', 'local:team/db']), { code: 0 })
  const id = '0b6d1c9e-9a34-4c57-8f0e-2a6f4c1d7e55'
  t.match(await run(['key', 'issue', '-i', id]), { code: 0 })
  t.match(await run(['key', 'revoke', id]), { code: 0 })
  const audit = auditOf(folder)
  t.match(readdirSync(audit), [/^\d{4}-\d\d-\d\d\.cli\.jsonl$/])
  const text = readFileSync(join(audit, fileIn(audit)), 'utf8')
  t.notMatch(text, /canary-value/)
  t.strictSame(
    trailLines(text)
      .filter((line) => line['chain'] === undefined)
      .map(({ client, route, outcome, action, reference, reason, version }) =>
        [client, route, outcome, action, reference ?? reason, version ?? reason].join(' | ')
      ),
    [
      'operator | cli store put | allowed | secret.write | local:team/db | intent',
      'operator | cli store put | allowed | secret.write | local:team/db | 1',
      'operator | cli store get | allowed | secret.read | local:team/db#user | 1',
      'operator | cli store get | failed | secret.read | local:team/none | ',
      'operator | cli resolve | allowed | secret.read | local:team/db#user | 1',
      'operator | cli store delete | allowed | secret.delete | local:team/db | intent',
      'operator | cli store delete | allowed | secret.delete | local:team/db | ',
      `operator | cli key issue | allowed | key.issue | ${id} | ${id}`,
      `operator | cli key revoke | allowed | key.revoke | ${id} | ${id}`
    ]
  )
  t.match(await run(['audit', 'verify']), {
    code: 0,
    stdout: /^ok: .* of 7 instances in 7 segments, 7 sealed/
  })
})

test('without a record a command shows nothing and changes nothing, unless that is not asked for', async (t) => {
  const { folder } = createConfigured(t)
  await putLocal(folder, 'team/db', 'value')
  writeFileSync(auditOf(folder), 'in the way')
  const get = ['store', 'get', 'local:team/db']
  t.match(await runPurser(t, folder, get), { code: 1, stdout: '', stderr: /could not be recorded/ })
  t.match(await runPurser(t, folder, ['resolve', 'local:team/db']), { code: 1, stdout: '' })
  t.match(await runPurser(t, folder, ['key', 'issue']), { code: 1, stdout: '' })
  const put = ['store', 'put', 'local:team/db']
  t.match(await runPurser(t, folder, put, { input: 'new' }), { code: 1, stdout: '' })
  const env = { AUDIT_REQUIRED: 'false' }
  t.match(await runPurser(t, folder, get, { env }), {
    code: 0,
    stdout: 'value\n',
    stderr: /could not be recorded/
  })
})

/** A trail of the ten days before today, one record each. */
const writeTenDays = async (folder: string): Promise<void> => {
  const directory = join(folder, 'data')
  const { active } = createKeyring([readEnvKey(folder)])
  const clock = { time: Date.now() - 10 * 86_400_000 }
  const trail = createTrail({
    directory,
    now: () => clock.time,
    fsync: false,
    beginKey: (instance) => beginKey(active, undefined, instance)
  })
  for (let day = 0; day < 10; day++, clock.time += 86_400_000) {
    await trail.append({
      action: 'secret.read',
      outcome: 'allowed',
      environment: 'dev',
      route: 'GET /v1/secrets',
      requestId: `r${day}`
    })
  }
  await trail.close()
}

test('old days are purged by the command, which says before what would go, and the rest verifies', async (t) => {
  const { folder } = createConfigured(t, { variables: { AUDIT_RETENTION_DAYS: '7' } })
  await writeTenDays(folder)
  const audit = auditOf(folder)
  const before = readdirSync(audit)
  const dry = await runPurser(t, folder, ['audit', 'purge', '--dry-run'])
  t.match(dry, { code: 0, stdout: /^would go: 3 files, 9 lines, / })
  t.strictSame(readdirSync(audit), before)
  t.match(await runPurser(t, folder, ['audit', 'purge']), { code: 0, stdout: /^gone: 3 files/ })
  t.strictSame(
    before.filter((name) => !readdirSync(audit).includes(name)),
    before.slice(0, 3)
  )
  t.match(await runPurser(t, folder, ['audit', 'verify']), {
    code: 0,
    stdout:
      /^ok: .*\npurged {2}\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d {2}by record 2 of [\w-]{11} at \d{4}-\d\d-\d\dT/
  })
  const text = readdirSync(audit)
    .map((name) => readFileSync(join(audit, name), 'utf8'))
    .join('')
  t.match(text, /"action":"audit.purge".*"client":"operator","route":"cli audit purge"/)
})

test('a service purges old days by itself, and says so on record', async (t) => {
  const { folder } = createConfigured(t, { variables: { AUDIT_RETENTION_DAYS: '7' } })
  await writeTenDays(folder)
  const audit = auditOf(folder)
  const before = readdirSync(audit)
  const { says, child, ended } = await serve(t, folder)
  await says(/"files":3,"bytes":\d+,"msg":"old audit records are purged"/)
  child.kill('SIGTERM')
  await ended
  t.strictSame(
    before.filter((name) => !readdirSync(audit).includes(name)),
    before.slice(0, 3)
  )
  t.match(readFileSync(join(audit, fileIn(audit)), 'utf8'), /"audit\.purge".*"route":"retention"/)
  t.match(await runPurser(t, folder, ['audit', 'verify']), { code: 0, stdout: /^ok: / })
})
