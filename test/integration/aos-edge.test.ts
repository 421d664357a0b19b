// The example for AOS Edge as it stands in examples/aos-edge: seeded into moto, every role against every secret.
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  UntagResourceCommand
} from '@aws-sdk/client-secrets-manager'
import { test } from 'tap'
import { parse } from 'yaml'
import type { PolicyRule } from '../../src/core/policy.ts'
import {
  fileOf,
  GROUPS,
  type Item,
  NAMES,
  openMoto,
  openPurser,
  YAML
} from '../support/aos-edge.ts'
import { recordsIn } from '../support/audit-records.ts'
import { isInstalled, skipWithout } from '../support/peers.ts'
import { createConfigured, runPurser } from '../support/purser-process.ts'

const README = fileOf('README.md')
const REGISTRY = ['base/ContainerRegistry', 'taskcfg/ContainerRegistry']

/** "IAM policies per Aos Cloud applications", by role: how the names begin that it reads. Not taken from the policy file. */
const READS: Readonly<Record<string, readonly string[]>> = {
  app: ['appcfg/', 'appsec/', 'dbcfg/', 'dbsec/', 'landing/', 'mhcfg/', 'mhsec/'],
  base: ['base/', 'dbcfg/', 'dbsec/', 'data-services/', 'landing/', 'ingress/'],
  'data-services': ['data-services/'],
  'ecr-sync-lambda-role': REGISTRY,
  grafana: ['grafana/'],
  sd: ['sdcfg/', 'sdsec/'],
  'secrets-manager': GROUPS.map((group) => `${group}/`),
  task: ['grafana/']
}
const WRITES: typeof READS = { 'ecr-sync-lambda-role': REGISTRY }
const ROLES = Object.keys(READS)
const FIRST_OF_EACH = GROUPS.flatMap(
  (group) => NAMES.find((name) => name.startsWith(`acme-pro-${group}/`)) ?? []
)

const isAmong = (beginnings: readonly string[] = [], name: string): boolean =>
  beginnings.some((beginning) => name.startsWith(`acme-pro-${beginning}`))

test('purser config check accepts the example as it stands, and has nothing to warn of', async (t) => {
  const { folder } = createConfigured(t, { yaml: YAML, variables: { ENVIRONMENT: 'pro' } })
  const { code, stdout, stderr } = await runPurser(t, folder, ['config', 'check'])
  t.same({ code, stderr }, { code: 0, stderr: '' })
  t.match(stdout, `1 store, ${ROLES.length} policies`)
})

test('seeding creates what is missing, tags what is not tagged, and changes no value', async (t) => {
  if (skipWithout(t, await isInstalled('moto'))) return
  const { admin, seed, secrets, values } = await openMoto(t)
  const key = 'alias/acme-pro-key'
  const all = NAMES.length

  const planned = await seed('--kms-key', key, '--dry-run')
  t.equal((await secrets()).length, 0, 'a dry run changes nothing')
  const done = await seed('--kms-key', key)
  t.same(planned.slice(0, -1), done.slice(0, -1), 'and says what a run then does')
  t.equal(done.at(-1), `${all} secrets: ${all} created, 0 tagged, 0 left as they were`)

  const created = (await secrets()).map(({ Name, Tags, KmsKeyId }) => ({ Name, Tags, KmsKeyId }))
  const Tags = [{ Key: 'purser-read', Value: 'true' }]
  const byName = (a: { Name?: string | undefined }, b: typeof a) =>
    (a.Name ?? '') < (b.Name ?? '') ? -1 : 1
  t.same(created.sort(byName), NAMES.map((Name) => ({ Name, Tags, KmsKeyId: key })).sort(byName))
  const before = await values()
  const texts = [...before.values()]
  t.equal(new Set(texts).size, all, 'each value is its own')
  t.ok(texts.every((text) => /^[\w-]{32}$/.test(text)))
  t.notOk(texts.some((text) => done.join().includes(text)))

  const untagged = 'acme-pro-sdsec/UnitsCacheRedisPassword'
  await admin.send(new UntagResourceCommand({ SecretId: untagged, TagKeys: ['purser-read'] }))
  t.same(await seed(), [
    `tag    ${untagged}`,
    `${all} secrets: 0 created, 1 tagged, ${all - 1} left as they were`
  ])
  t.same(await values(), before)
  t.match((await seed('--project', 'other', '--group', 'grafana')).at(-1), '2 secrets: 2 created')
  await t.rejects(seed('--group', 'grafana', '--group', 'none'), { code: 2 })
  await t.rejects(seed('--project', 'a/b'), { code: 2 })
})

test('each role reads its own groups, whole or by reference, and nothing of any other', async (t) => {
  if (skipWithout(t, await isInstalled('moto'))) return
  const { admin, seed, values } = await openMoto(t)
  await seed()
  const texts = await values()
  const purser = await openPurser(t, ROLES)
  const refuse = (name: string): Item => ({
    ref: `aws:${name}`,
    status: 403,
    code: 'access_denied'
  })
  const give = (name: string): Item => ({
    ref: `aws:${name}`,
    status: 200,
    value: texts.get(name) ?? 'not in moto'
  })

  for (const [role, own] of Object.entries(READS)) {
    const results = NAMES.map((name) => (isAmong(own, name) ? give(name) : refuse(name)))
    t.same(await purser.readAll(role), results, `${role}: all there are`)
    for (const group of GROUPS) {
      const below = NAMES.filter((name) => name.startsWith(`acme-pro-${group}/`))
      const readable = below.filter((name) => isAmong(own, name)).sort()
      t.same(await purser.list(role, group), readable.map(give), `${role}: ${group}/`)
      const [name = ''] = readable.length > 0 ? readable : below
      const answer = await purser.read(role, name)
      const { status, value, code } = isAmong(own, name) ? give(name) : refuse(name)
      t.equal(answer.statusCode, status, `${role}: ${name}`)
      t.same([answer.json().value, answer.json().code], [value, code])
    }
  }

  const byName = (role: string) => purser.ask(role, 'GET', '/v1/secrets/postgres-password')
  t.equal((await byName('app')).json().value, texts.get('acme-pro-dbsec/PostgresUserPassword'))
  t.equal((await byName('sd')).json().code, 'access_denied', 'a name gives no right')

  const untagged = ['acme-pro-grafana/Untagged', 'acme-pro-grafana/WronglyTagged']
  for (const [n, Name] of untagged.entries()) {
    const Tags = n === 0 ? [] : [{ Key: 'purser-read', Value: 'false' }]
    await admin.send(new CreateSecretCommand({ Name, SecretString: 'not for Purser', Tags }))
    const { instance: _its, ...refused } = (await purser.read('grafana', Name)).json()
    const { instance: _another, ...forbidden } = (await purser.read('sd', Name)).json()
    t.match(refused, { code: 'access_denied', status: 403 })
    t.same(refused, forbidden, 'as if policy had refused it')
  }
  const grafana = NAMES.filter((name) => isAmong(READS['grafana'], name))
  t.same(await purser.list('grafana', 'grafana'), grafana.map(give), 'nor is it listed')
})

test('only the role that the documentation lets write does, and only in the registry', async (t) => {
  if (skipWithout(t, await isInstalled('moto'))) return
  const { seed, values } = await openMoto(t)
  await seed()
  const purser = await openPurser(t, ROLES)
  const before = await values()
  const password = 'acme-pro-base/ContainerRegistryPassword'
  t.equal((await purser.read('base', password)).json().value, before.get(password))

  const written = new Map<string, string>()
  const wrong: string[] = []
  for (const role of ROLES) {
    // Of a group that a role may not write to at all, one secret tells as much as the rest.
    const asked = WRITES[role] === undefined ? FIRST_OF_EACH : NAMES
    for (const name of asked) {
      const value = `${role} to ${name}`
      const { statusCode } = await purser.write(role, name, value)
      const mayWrite = isAmong(WRITES[role], name)
      if (mayWrite) written.set(name, value)
      if (statusCode !== (mayWrite ? 200 : 403)) wrong.push(`${statusCode}: ${value}`)
    }
  }
  t.same(wrong, [])
  t.equal(written.size, 4)
  t.same(await values(), new Map([...before, ...written]))
  t.equal((await purser.read('base', password)).json().value, written.get(password), 'at once')
})

test('a secret rotated in AWS is served anew once it is invalidated, and the trail says to whom', async (t) => {
  if (skipWithout(t, await isInstalled('moto'))) return
  const { admin, seed } = await openMoto(t)
  await seed('--group', 'grafana')
  const purser = await openPurser(t, ROLES)
  const name = 'acme-pro-grafana/GrafanaPassword'
  const former = (await purser.read('grafana', name)).json().value
  await admin.send(new PutSecretValueCommand({ SecretId: name, SecretString: 'rotated' }))
  t.equal((await purser.read('task', name)).json().value, former, 'from the cache')
  t.same((await purser.invalidate(`aws:${name}`)).json(), { dropped: 1 })
  t.equal((await purser.read('grafana', name)).json().value, 'rotated')

  const readers = (await recordsIn(purser.folder))
    .filter(({ action, reference }) => action === 'secret.read' && reference === `aws:${name}`)
    .map(({ client }) => client)
  t.same(readers, ['acme-pro-grafana', 'acme-pro-task', 'acme-pro-grafana'])
})

const codeIn = (cell = ''): string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)

const patternsIn = (cell?: string): string[] =>
  codeIn(cell).map((path) => `aws:acme-pro-${path}${path.includes('/') ? '' : '/*'}`)

const expand = (pattern: string): string[] => {
  const [, head = '', choices, tail = ''] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(pattern) ?? []
  return choices === undefined ? [pattern] : choices.split(',').map((one) => head + one + tail)
}

test('the table of the README is the policy file, and its numbers are those of the list', (t) => {
  const table = README.split('\n').flatMap((line) => {
    const [, , who, reads, writes] = line.split('|')
    const [client = ''] = codeIn(who)
    const rule = { client, read: patternsIn(reads).sort(), write: patternsIn(writes).sort() }
    return client.startsWith('acme-pro-') ? [rule] : []
  })
  const { policies }: { policies: PolicyRule[] } = parse(YAML)
  const rules = policies.map(({ client, read = [], write = [] }) => ({
    client,
    read: read.flatMap(expand).sort(),
    write: write.flatMap(expand).sort()
  }))
  t.same(table, rules)
  t.same(
    rules.map(({ client }) => client).sort(),
    ROLES.map((role) => `acme-pro-${role}`)
  )
  t.match(README, `the ${NAMES.length} secrets`)
  t.match(fileOf('seed.mjs'), `all of them are ${NAMES.length})`)
  t.end()
})

interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
}

test("the IAM policy of the README has what the store's kind needs, and writes where policy does", (t) => {
  const [, json = ''] = /```json\n(.*?)```/s.exec(README) ?? []
  const statements: Statement[] = JSON.parse(json).Statement
  t.same(statements.flatMap(({ Action }) => Action).sort(), [
    'kms:Decrypt',
    'kms:GenerateDataKey',
    'secretsmanager:BatchGetSecretValue',
    'secretsmanager:DescribeSecret',
    'secretsmanager:GetSecretValue',
    'secretsmanager:ListSecrets',
    'secretsmanager:PutSecretValue'
  ])
  t.same(
    statements.find(({ Action }) => Action === 'secretsmanager:PutSecretValue')?.Resource,
    REGISTRY.map((path) => `arn:aws:secretsmanager:eu-west-1:123456789012:secret:acme-pro-${path}*`)
  )
  t.end()
})
