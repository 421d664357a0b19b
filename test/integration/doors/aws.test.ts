/** The door in the dialect of AWS Secrets Manager, through the SDK of AWS for JavaScript: what it gives, and to whom. */
import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand
} from '@aws-sdk/client-secrets-manager'
import { type Test, test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { credentialsOf, openAwsDoor } from '../../support/aws-door.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { listenOn } from '../../support/raw-http.ts'
import { signedHeaders } from '../../support/sigv4.ts'

const YAML = `
stores:
  - { name: local, kind: local }
policies:
  - { client: app, read: ['local:app/**'], write: ['local:app/**'] }
  - { client: other, read: ['local:other/**'] }
secrets:
  db-password: local:app/db#password
doors:
  - { dialect: aws, port: 0, store: local }
`

const DB = '{"username":"admin","password":"s3cr3t","port":5432.0}'

const open = async (t: Test, yaml = YAML) => {
  const door = await openAwsDoor(t, { yaml })
  await door.seed('local', 'app/db', DB)
  await door.seed('local', 'app/plain', 'a plain text ☃')
  await door.seed('local', 'other/db', 'of another client')
  return door
}

/** What the SDK raises. */
const raised = (
  work: Promise<unknown>
): Promise<{ readonly name: string; readonly message: string }> =>
  work.then(
    () => ({ name: 'nothing', message: '' }),
    ({ name, message }: Error) => ({ name, message })
  )

test('a secret is read as it is stored, by its name and by either ARN', async (t) => {
  const door = await open(t)
  const sdk = await door.sdk('app')
  const read = await sdk.send(new GetSecretValueCommand({ SecretId: 'app/db' }))
  t.match(read, { Name: 'app/db', SecretString: DB, VersionStages: ['AWSCURRENT'] })
  t.match(read.ARN, /^arn:aws:secretsmanager:eu-west-1:000000000000:secret:app\/db-[A-Za-z0-9]{6}$/)
  t.match(read.VersionId, /^[0-9a-f-]{36}$/)
  t.equal(read.SecretBinary, undefined)
  t.ok(read.$metadata.requestId, 'the request has an id')
  for (const SecretId of [read.ARN, read.ARN?.slice(0, -7)]) {
    const again = await sdk.send(new GetSecretValueCommand({ SecretId }))
    t.equal(again.SecretString, DB, SecretId ?? '')
    t.equal(again.ARN, read.ARN)
  }
  const plain = await sdk.send(new GetSecretValueCommand({ SecretId: 'app/plain' }))
  t.equal(plain.SecretString, 'a plain text ☃')
})

test('a version is read by its id, and one of another secret is not', async (t) => {
  const door = await open(t)
  const sdk = await door.sdk('app', 'rw')
  const first = await sdk.send(new DescribeSecretCommand({ SecretId: 'app/db' }))
  const [before = ''] = Object.keys(first.VersionIdsToStages ?? {})
  t.same(first.VersionIdsToStages, { [before]: ['AWSCURRENT'] })
  const put = await sdk.send(
    new PutSecretValueCommand({ SecretId: 'app/db', SecretString: '{"password":"new"}' })
  )
  t.match(put, { Name: 'app/db', ARN: first.ARN, VersionStages: ['AWSCURRENT'] })
  t.not(put.VersionId, before)
  const read = (VersionId: string | undefined, more = {}) =>
    sdk.send(new GetSecretValueCommand({ SecretId: 'app/db', VersionId, ...more }))
  t.match(await read(put.VersionId), {
    SecretString: '{"password":"new"}',
    VersionStages: ['AWSCURRENT']
  })
  const old = await read(before)
  t.match(old, { SecretString: DB, VersionId: before })
  t.equal(old.VersionStages, undefined, 'an older version has no stage that we know of')
  const missing = 'ResourceNotFoundException'
  t.equal((await raised(read(before, { VersionStage: 'AWSCURRENT' }))).name, missing)
  t.equal((await raised(read(undefined, { VersionStage: 'AWSPENDING' }))).name, missing)
  for (const VersionStage of ['1', '2']) {
    const error = await raised(read(undefined, { VersionStage }))
    t.equal(error.name, missing, 'the number of a version is no stage')
  }
  t.equal((await raised(read('EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE'))).name, missing)
  const plain = await sdk.send(new DescribeSecretCommand({ SecretId: 'app/plain' }))
  const [foreign = ''] = Object.keys(plain.VersionIdsToStages ?? {})
  t.equal((await raised(read(foreign))).name, missing)
})

test('what is forbidden and what is not there look the same to who may not read it', async (t) => {
  const door = await open(t)
  const credentials = await door.credentials('app')
  const bodies = new Set<string>()
  const ids = [
    'other/db',
    'other/absent',
    'nowhere/at/all',
    'arn:aws:secretsmanager:eu-west-1:123456789012:secret:x'
  ]
  for (const SecretId of ids) {
    for (const operation of ['GetSecretValue', 'DescribeSecret']) {
      const answer = await door.ask(credentials, operation, { SecretId })
      t.equal(answer.status, 400)
      bodies.add(await answer.text())
    }
    for (const more of [{ VersionStage: 'AWSPREVIOUS' }, { VersionId: '0'.repeat(36) }]) {
      const answer = await door.ask(credentials, 'GetSecretValue', { SecretId, ...more })
      bodies.add(await answer.text())
    }
  }
  t.same(
    [...bodies],
    [
      '{"__type":"AccessDeniedException","message":"You are not authorized to perform this operation."}'
    ]
  )
  const absent = await door.ask(credentials, 'GetSecretValue', { SecretId: 'app/absent' })
  t.equal(absent.status, 400)
  t.match(await absent.text(), /"ResourceNotFoundException"/)
})

test('a batch has a result for each secret', async (t) => {
  const door = await open(t)
  const sdk = await door.sdk('app')
  const SecretIdList = ['app/db', 'app/absent', 'other/db', 'app/plain']
  const { SecretValues = [], Errors = [] } = await sdk.send(
    new BatchGetSecretValueCommand({ SecretIdList })
  )
  t.match(SecretValues, [
    { Name: 'app/db', SecretString: DB },
    { Name: 'app/plain', SecretString: 'a plain text ☃' }
  ])
  t.match(Errors, [
    { SecretId: 'app/absent', ErrorCode: 'ResourceNotFoundException' },
    { SecretId: 'other/db', ErrorCode: 'AccessDeniedException' }
  ])
  const many = Array.from({ length: 21 }, (_, i) => `app/${i}`)
  t.match(await raised(sdk.send(new BatchGetSecretValueCommand({ SecretIdList: many }))), {
    name: 'InvalidParameterException'
  })
  const byFilter = new BatchGetSecretValueCommand({ Filters: [{ Key: 'name', Values: ['app'] }] })
  t.match(await raised(sdk.send(byFilter)), { name: 'InvalidParameterException' })
})

test('a listing has what the caller may read, page by page', async (t) => {
  const door = await open(t)
  const sdk = await door.sdk('app')
  for (const name of ['c', 'd', 'e']) await door.seed('local', `app/more/${name}`, 'x')
  await sdk.send(new GetSecretValueCommand({ SecretId: 'app/db' }))
  const names: (string | undefined)[] = []
  let NextToken: string | undefined
  do {
    const page = await sdk.send(new ListSecretsCommand({ MaxResults: 2, NextToken }))
    const isTold = page.SecretList?.some((one) => 'SecretVersionsToStages' in one)
    t.equal(isTold, false, 'which secrets somebody has read is not told')
    t.ok((page.SecretList?.length ?? 0) <= 2)
    names.push(...(page.SecretList ?? []).map(({ Name }) => Name))
    NextToken = page.NextToken
  } while (NextToken !== undefined)
  t.same(names, ['app/db', 'app/more/c', 'app/more/d', 'app/more/e', 'app/plain'])
  const list = async (...Values: string[]) => {
    const Filters = [{ Key: 'name' as const, Values }]
    const { SecretList = [] } = await sdk.send(new ListSecretsCommand({ Filters }))
    return SecretList.map(({ Name }) => Name)
  }
  t.same(await list('app/more/'), ['app/more/c', 'app/more/d', 'app/more/e'])
  t.same(await list('app/p', 'app/more/e'), ['app/more/e', 'app/plain'])
  t.same(await list('!app/more/'), ['app/db', 'app/plain'])
  t.same(await list('other/'), [])
  const byTag = new ListSecretsCommand({ Filters: [{ Key: 'tag-key', Values: ['x'] }] })
  t.match(await raised(sdk.send(byTag)), { name: 'InvalidParameterException' })
})

test('what is to be created is not overwritten, and a key that writes reads nothing', async (t) => {
  const door = await open(t)
  const writer = await door.sdk('app', 'w')
  const created = await writer.send(
    new CreateSecretCommand({ Name: 'app/new', SecretString: 'first' })
  )
  t.match(created, { Name: 'app/new' })
  t.match(created.VersionId, /^[0-9a-f-]{36}$/)
  const again = new CreateSecretCommand({ Name: 'app/new', SecretString: 'second' })
  t.match(await raised(writer.send(again)), { name: 'ResourceExistsException' })
  const answer = await door.ask(await door.credentials('app', 'w'), 'PutSecretValue', {
    SecretId: 'app/new',
    SecretString: 'third'
  })
  t.equal(answer.status, 200)
  t.notMatch(await answer.text(), /third/, 'the answer has no value')
  for (const read of [
    new GetSecretValueCommand({ SecretId: 'app/new' }),
    new DescribeSecretCommand({ SecretId: 'app/new' }),
    new ListSecretsCommand({})
  ]) {
    t.match(await raised(writer.send(read as GetSecretValueCommand)), {
      name: 'AccessDeniedException'
    })
  }
  const batch = await writer.send(new BatchGetSecretValueCommand({ SecretIdList: ['app/new'] }))
  t.match(batch, { SecretValues: [], Errors: [{ ErrorCode: 'AccessDeniedException' }] })
  const reader = await door.sdk('app', 'r')
  t.equal(
    (await reader.send(new GetSecretValueCommand({ SecretId: 'app/new' }))).SecretString,
    'third'
  )
  const put = new PutSecretValueCommand({ SecretId: 'app/new', SecretString: 'x' })
  t.match(await raised(reader.send(put)), { name: 'AccessDeniedException' })
  const elsewhere = new PutSecretValueCommand({ SecretId: 'other/new', SecretString: 'x' })
  t.match(await raised(writer.send(elsewhere)), { name: 'AccessDeniedException' })
})

test('what we would have to ignore is refused', async (t) => {
  const door = await open(t)
  const credentials = await door.credentials('app', 'rw')
  const refused: readonly (readonly [string, object])[] = [
    ['PutSecretValue', { SecretId: 'app/db' }],
    ['PutSecretValue', { SecretId: 'app/db', SecretBinary: 'AAEC' }],
    ['PutSecretValue', { SecretId: 'app/db', SecretString: 'x', VersionStages: ['AWSPENDING'] }],
    ['CreateSecret', { Name: 'app/x', SecretString: 'x', KmsKeyId: 'alias/x' }],
    ['CreateSecret', { Name: 'app/x', SecretString: 'x', Tags: [] }],
    ['GetSecretValue', {}],
    ['GetSecretValue', { SecretId: 'app/db', VersionId: 'short' }],
    ['GetSecretValue', { SecretId: 'a\nb' }],
    ['GetSecretValue', { SecretId: 7 }]
  ]
  for (const [operation, body] of refused) {
    const answer = await door.ask(credentials, operation, body)
    t.equal(answer.status, 400, operation)
    t.match(await answer.text(), /"InvalidParameterException"/, JSON.stringify(body))
  }
  const sdk = await door.sdk('app', 'rw')
  t.match(await raised(sdk.send(new ListSecretVersionIdsCommand({ SecretId: 'app/db' }))), {
    name: 'UnknownOperationException'
  })
})

test('names of the configuration are a place of their own', async (t) => {
  const door = await open(t, YAML.replace('port: 0, store: local', 'port: 0, store: "secrets:"'))
  const sdk = await door.sdk('app')
  const read = await sdk.send(new GetSecretValueCommand({ SecretId: 'db-password' }))
  t.match(read, { Name: 'db-password', SecretString: 's3cr3t' })
  const byArn = await sdk.send(new GetSecretValueCommand({ SecretId: read.ARN }))
  t.equal(byArn.SecretString, 's3cr3t')
  const { SecretList } = await sdk.send(new ListSecretsCommand({}))
  t.match(SecretList, [{ Name: 'db-password', ARN: read.ARN }])
  t.equal(SecretList?.length, 1)
  const none = await (await door.sdk('other')).send(new ListSecretsCommand({}))
  t.same(none.SecretList, [])
  for (const SecretId of ['app/db', 'local:app/db', 'absent']) {
    t.match(
      await raised(sdk.send(new GetSecretValueCommand({ SecretId }))),
      {
        name: 'AccessDeniedException'
      },
      SecretId
    )
  }
})

test('without a port of its own the door is on the public listener, and leaves the rest to ours', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML.replace('port: 0, ', '') })
  await built.seed('local', 'app/db', DB)
  const host = `127.0.0.1:${await listenOn(built.app.server)}`
  const { key, ask } = await built.as('app')
  const body = '{"SecretId":"app/db"}'
  const target = 'secretsmanager.GetSecretValue'
  const headers = signedHeaders(await credentialsOf(built, key), { host, target, body })
  const pairs = headers.filter(([name]) => name !== 'host').map(([name, value]) => [name, value])
  const answer = await fetch(`http://${host}/`, { method: 'POST', headers: pairs, body })
  t.match(await answer.json(), { SecretString: DB })
  t.equal((await ask('GET', '/v1/secrets?ref=local:app/db')).statusCode, 200)
  t.match((await ask('GET', '/nowhere')).headers['content-type'], /problem\+json/)
  t.match((await ask('GET', '/')).json(), { __type: 'UnknownOperationException' })
  const forged = await ask('POST', '/', body, { 'content-type': 'application/x-amz-json-1.1' })
  t.match(forged.json(), { __type: 'IncompleteSignatureException' }, 'a key of ours opens nothing')
})

test('a batch is paid for as so many reads, and a page of names as one', async (t) => {
  const door = await openAwsDoor(t, {
    yaml: YAML,
    env: { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_MAX: '10', RATE_LIMIT_WINDOW_SECONDS: '3600' }
  })
  await door.seed('local', 'app/db', DB)
  const credentials = await door.credentials('app')
  const batch = (size: number) =>
    door.ask(credentials, 'BatchGetSecretValue', { SecretIdList: Array(size).fill('app/db') })
  const refused = await batch(11)
  t.equal(refused.status, 400)
  t.match(await refused.json(), { __type: 'ThrottlingException' })
  t.ok(Number(refused.headers.get('retry-after')) > 0)
  t.equal((await batch(6)).status, 200)
  t.equal((await door.ask(credentials, 'ListSecrets', {})).status, 200)
  t.equal((await batch(3)).status, 400, 'two are left')
})

test('the record and the metrics say which operation it was, once the signature is known to be right', async (t) => {
  const door = await open(t)
  const credentials = await door.credentials('app')
  const operations = ['GetSecretValue', 'DescribeSecret', 'BatchGetSecretValue', 'ListSecrets']
  const bodies = [{ SecretId: 'app/db' }, { SecretId: 'app/db' }, { SecretIdList: ['app/db'] }, {}]
  for (const [i, operation] of operations.entries()) {
    t.equal((await door.ask(credentials, operation, bodies[i] ?? {})).status, 200, operation)
  }
  t.equal((await door.ask(credentials, 'DeleteSecret', { SecretId: 'app/db' })).status, 400)
  const forged = { ...credentials, secretAccessKey: 'x'.repeat(43) }
  t.equal((await door.ask(forged, 'GetSecretValue', { SecretId: 'app/db' })).status, 400)
  const records = await recordsIn(door.folder)
  const routes = records.map(({ route }) => route).filter((route) => route?.startsWith('aws '))
  t.same(routes, [...operations.map((one) => `aws POST / ${one}`), 'aws POST /'])
})
