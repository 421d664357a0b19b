/** The door in the dialect of the AWS Secrets Manager Agent: its routes, its texts, and what it keeps from a forwarded request. */
import { type Test, test } from 'tap'
import { useEnvironment } from '../../kinds/gcp/fake.ts'
import { listenOnDoor } from '../../support/aws-door.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { startCountingStore } from '../../support/counting-store.ts'

const YAML = `
stores:
  - { name: local, kind: local }
policies:
  - { client: app, read: ['local:app/**'] }
doors:
  - { dialect: aws-agent, port: 0, store: local }
`

const open = async (t: Test, { yaml = YAML, env = {} as Record<string, string> } = {}) => {
  const built = await buildTestApp(t, { yaml, env })
  await built.seed('local', 'app/db', '{"password":"s3cr3t"}')
  const base = `http://127.0.0.1:${await listenOnDoor(built, 'aws-agent')}`
  const { key } = await built.as('app')
  const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const token = { 'x-aws-parameters-secrets-token': key }
    const answer = await fetch(base + path, { method, headers: { ...token, ...headers } })
    return { status: answer.status, text: await answer.text() }
  }
  const askWithout = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(base + path, { headers })
    return { status: answer.status, text: await answer.text() }
  }
  return { ...built, base, key, ask, askWithout }
}

test('a secret is given by the query and by the path, as GetSecretValue gives it', async (t) => {
  const { ask, seed, base, key } = await open(t)
  const byQuery = await ask('/secretsmanager/get?secretId=app/db')
  t.equal(byQuery.status, 200)
  const read = JSON.parse(byQuery.text)
  t.match(read, {
    ARN: /^arn:aws:secretsmanager:us-east-1:000000000000:secret:app\/db-/,
    Name: 'app/db',
    SecretString: '{"password":"s3cr3t"}',
    VersionStages: ['AWSCURRENT']
  })
  t.same(await ask('/v1/app/db'), byQuery)
  const { headers } = await fetch(`${base}/v1/app/db`, { headers: { 'x-vault-token': key } })
  t.equal(headers.get('content-type'), 'application/json', 'it is no answer of the API of AWS')
  t.same(await ask('/secretsmanager/get?secretId=app%2Fdb&versionStage=AWSCURRENT'), byQuery)
  t.same(await ask(`/v1/app/db?versionId=${read.VersionId}`), byQuery)
  await seed('local', 'app/db', 'newer')
  t.match(JSON.parse((await ask('/v1/app/db')).text), { SecretString: 'newer' })
  t.match(JSON.parse((await ask(`/v1/app/db?versionId=${read.VersionId}`)).text), {
    SecretString: read.SecretString,
    VersionStages: undefined
  })
  t.equal((await ask('/v1/app%2Fdb')).status, 400, 'a path is not decoded')
})

test('texts and statuses are those of the agent', async (t) => {
  const { ask, askWithout } = await open(t)
  t.same(await askWithout('/ping'), { status: 200, text: 'healthy' })
  const get = '/secretsmanager/get'
  const text = (status: number, said: string) => ({ status, text: said })
  t.same(await askWithout(`${get}?secretId=app/db`), text(403, 'Bad Token'))
  t.same(await ask(`${get}?secretId=app/db`, {}, 'POST'), text(405, 'Not allowed'))
  t.same(await ask('/nowhere'), text(404, 'Not found'))
  t.same(await ask(get), text(400, 'missing parameter secretId'))
  t.same(await ask('/v1/'), text(400, 'missing secret ID'))
  t.same(await ask(`${get}?secretId=app/db&refreshNow=yes`), text(400, 'invalid refreshNow value'))
  t.same(await ask(`${get}?secretId=app/db&x=1`), text(400, 'unknown parameter'))
  t.match(await ask(`${get}?secretId=app/db&secretId=app/x`), { status: 400 })
  t.match(await ask(`${get}?secretId=app/db&roleArn=arn:aws:iam::1:role/x`), { status: 400 })
  const absent = await ask(`${get}?secretId=app/absent`)
  t.equal(absent.status, 400)
  t.match(absent.text, /^\{"__type":"ResourceNotFoundException","message":"Secrets Manager can't/)
  for (const refresh of ['true', 'TRUE', '1', 'False', '0']) {
    t.equal((await ask(`${get}?secretId=app/db&refreshNow=${refresh}`)).status, 200, refresh)
  }
})

test('what is forbidden and what is not there look the same to who may not read it', async (t) => {
  const { ask } = await open(t)
  const texts = new Set<string>()
  for (const id of ['other/db', 'other/absent', 'nowhere']) {
    for (const path of [`/secretsmanager/get?secretId=${id}`, `/v1/${id}`]) {
      const { status, text } = await ask(path)
      texts.add(`${status} ${text}`)
    }
  }
  t.same(
    [...texts],
    [
      '400 {"__type":"AccessDeniedException","message":"You are not authorized to perform this operation."}'
    ]
  )
})

test('the key comes in one header, of those that the agent knows', async (t) => {
  const { key, ask, askWithout } = await open(t)
  const path = '/v1/app/db'
  t.equal((await askWithout(path, { 'x-vault-token': key })).status, 200)
  for (const name of ['x-api-key', 'x-amz-security-token', 'dapr-api-token']) {
    t.same(await askWithout(path, { [name]: key }), { status: 403, text: 'Bad Token' }, name)
    t.equal((await ask(path, { [name]: key })).status, 400, name)
  }
  t.equal((await askWithout(path, { authorization: `Bearer ${key}` })).status, 403)
  t.equal((await ask(path, { 'x-vault-token': key })).status, 400)
  t.same(await askWithout(path, { 'x-vault-token': 'x' }), { status: 403, text: 'Bad Token' })
})

test('a forwarded request is refused, unless by a proxy that is trusted', async (t) => {
  const forwarded = { 'x-forwarded-for': '192.0.2.7' }
  const alone = await open(t)
  t.same(await alone.ask('/v1/app/db', forwarded), { status: 400, text: 'Forwarded' })
  t.same(await alone.askWithout('/v1/app/db', forwarded), { status: 400, text: 'Forwarded' })
  t.equal((await alone.askWithout('/ping', forwarded)).status, 200)
  const behind = await open(t, { env: { TRUST_PROXY: '127.0.0.1' } })
  t.equal((await behind.ask('/v1/app/db', forwarded)).status, 200)
  const elsewhere = await open(t, { env: { TRUST_PROXY: '192.0.2.1' } })
  t.equal((await elsewhere.ask('/v1/app/db', forwarded)).status, 400)
})

test('refreshNow asks the store, and a store that fails is told as the agent tells it', async (t) => {
  const store = await startCountingStore(t)
  useEnvironment(t, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' })
  const yaml = YAML.replace(
    'stores:',
    `stores:\n  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, endpoint: "${store.url}" }`
  )
    .replace("'local:app/**'", "'aws:app/**'")
    .replace('port: 0, store: local', 'port: 0, store: aws')
  const { ask } = await open(t, { yaml })
  t.equal((await ask('/v1/app/db')).status, 200)
  t.equal((await ask('/v1/app/db')).status, 200)
  t.equal(store.calls(), 1)
  store.raise('app/db')
  t.match(JSON.parse((await ask('/v1/app/db?refreshNow=true')).text), {
    SecretString: 'app/db v2',
    VersionId: /^[0-9a-f-]{36}$/
  })
  t.equal(store.calls(), 2)
  store.say({ is: 'failing' }, 'app/other')
  t.same(await ask('/v1/app/other'), {
    status: 502,
    text: '{"__type":"ConnectionError","message":"Read Error"}'
  })
})
