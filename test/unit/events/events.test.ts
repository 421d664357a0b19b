// What each cloud's notification names, which of them are believed, and what is left alone.

import { type Test, test } from 'tap'
import { ConfigError } from '../../../src/config/fault.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { createGoogleTokenCheck } from '../../../src/crypto/google-token.ts'
import { createReceiver } from '../../../src/events/receive.ts'
import { compilePolicy } from '../../../src/kinds/references.ts'
import type { Broker } from '../../../src/secrets/broker.ts'
import type { Store } from '../../../src/secrets/stores.ts'
import type { Rules } from '../../../src/secrets/terms.ts'
import { parseConfigFile } from '../../support/config-file.ts'
import {
  ACCOUNT,
  AUDIENCE,
  apiCall,
  cloudEvent,
  createEventClouds,
  gridEvent,
  pubSubPush,
  REGION,
  SERVICE_ACCOUNT,
  serviceEvent,
  TOPIC,
  vaultId
} from '../../support/fake-event-clouds.ts'

const YAML = `
stores:
  - { name: aws, kind: aws-secrets-manager, region: ${REGION}, accounts: ["${ACCOUNT}"] }
  - { name: any, kind: aws-secrets-manager, region: ${REGION} }
  - { name: topics, kind: aws-secrets-manager, region: ${REGION}, accounts: ["${ACCOUNT}"], events: { snsTopics: ["${TOPIC}"] } }
  - { name: kv, kind: azure-key-vault, vaultUrl: "https://acme.vault.azure.net" }
  - { name: gcp, kind: gcp-secret-manager, project: my-project, projectNumber: "4242", events: { audience: "${AUDIENCE}", serviceAccount: "${SERVICE_ACCOUNT}" } }
  - { name: bare, kind: gcp-secret-manager, project: my-project }
  - { name: vault, kind: vault, address: "https://vault.test:8200", mounts: [{ path: kv, version: 2 }], auth: { method: token, token: { env: T } } }
  - { name: cluster, kind: kubernetes, namespaces: [apps] }
`
const DOOR = { route: 'POST /internal/events/:store', requestId: 'r', address: '127.0.0.1' }
const NEW = 'Microsoft.KeyVault.SecretNewVersionCreated'
const arn = (name: string, account = ACCOUNT, region = REGION) =>
  `arn:aws:secretsmanager:${region}:${account}:secret:${name}`

const setUp = async (t: Test) => {
  const { stores, book } = parseConfigFile(YAML, 'purser.yaml')
  const specs = new Map(stores.map((spec) => [spec.name, { spec } as unknown as Store]))
  const clouds = await createEventClouds(t)
  const refs: string[] = []
  const ids: (string | undefined)[] = []
  const records: AuditEvent[] = []
  const logs: unknown[] = []
  const rules: Rules = {
    policy: compilePolicy([]),
    book,
    stores: {
      get: (name) => specs.get(name),
      all: () => [...specs.values()],
      close: async () => {}
    }
  }
  const invalidate: Broker['invalidate'] = async (_door, what) => {
    if (typeof what === 'object' && 'ref' in what) {
      refs.push(what.ref)
      ids.push(what.nativeId)
    }
    return { dropped: 1 }
  }
  const receiver = createReceiver({
    environment: 'dev',
    record: async (event) => void records.push(event),
    log: (...line) => void logs.push(line),
    rules: () => rules,
    invalidate,
    isGoogleToken: createGoogleTokenCheck({ fetch: clouds.fetch, now: Date.now }),
    fetch: clouds.fetch,
    now: Date.now
  })
  /** What one delivery led to. */
  const deliver = async (store: string, body: unknown, authorization?: string) => {
    refs.length = 0
    ids.length = 0
    const answer = await receiver.receive(DOOR, store, { body, authorization })
    return { ...answer, refs: [...refs], ids: [...ids] }
  }
  const refuses = async (store: string, body: unknown, reason: string, authorization?: string) => {
    refs.length = 0
    const refusal = receiver.receive(DOOR, store, { body, authorization })
    await t.rejects(refusal, { code: 'access_denied', reason })
    t.same(refs, [])
    t.match(records.at(-1), { action: 'event.receive', outcome: 'denied', reason })
  }
  return { receiver, deliver, refuses, clouds, records, logs }
}

test('an event of EventBridge names a secret by its name or its ARN, an API call or a service event', async (t) => {
  const { deliver, records } = await setUp(t)
  for (const [event, ref] of [
    [apiCall('PutSecretValue', 'acme/db'), 'aws:acme/db'],
    [apiCall('UpdateSecret', arn('acme/db-AbCdEf')), 'aws:acme/db-AbCdEf'],
    [apiCall('DeleteSecret', arn('acme/db')), 'aws:acme/db'],
    [apiCall('TagResource', 'acme/db'), 'aws:acme/db'],
    [serviceEvent('RotationSucceeded', arn('acme/db-AbCdEf')), 'aws:acme/db-AbCdEf'],
    [
      {
        ...apiCall('CreateSecret', ''),
        detail: { eventName: 'CreateSecret', requestParameters: { name: 'x' } }
      },
      'aws:x'
    ],
    [
      {
        ...apiCall('', ''),
        'detail-type': 'Secret Label Updated',
        detail: { name: 'mySecret', labelUpdated: 'AWSCURRENT', versionId: 'a1b2' }
      },
      'aws:mySecret'
    ]
  ] as const) {
    const what = JSON.stringify(event).slice(0, 200)
    t.match(await deliver('aws', event), { invalidated: 1, ignored: 0, refs: [ref] }, what)
  }
  t.match(records[0], {
    action: 'event.receive',
    outcome: 'allowed',
    reason: 'store aws: 1 named, 0 ignored'
  })
  const twice = apiCall('RotationSucceeded', 'acme/db')
  Object.assign(twice.detail, { additionalEventData: { SecretId: arn('acme/db-AbCdEf') } })
  t.same((await deliver('aws', twice)).refs, ['aws:acme/db'], 'one secret under two names')
  const full = arn('acme/db-AbCdEf')
  t.same((await deliver('aws', apiCall('PutSecretValue', full))).ids, [full], 'an ARN stays one')
})

test('an event of another account, region or kind is taken and left alone', async (t) => {
  const { deliver, logs } = await setUp(t)
  for (const [store, event, warns] of [
    ['aws', apiCall('PutSecretValue', 'acme/db', { account: '999999999999' }), true],
    ['aws', apiCall('PutSecretValue', 'acme/db', { region: 'us-east-1' }), true],
    ['aws', apiCall('PutSecretValue', arn('acme/db', '999999999999')), true],
    ['aws', apiCall('PutSecretValue', arn('acme/db', ACCOUNT, 'us-east-1')), true],
    ['any', apiCall('PutSecretValue', arn('acme/db', ACCOUNT, 'us-east-1')), true],
    ['aws', apiCall('PutSecretValue', 'acme/ümlaut'), true],
    ['aws', { ...apiCall('PutSecretValue', 'a'), account: undefined }, true],
    ['aws', apiCall('GetSecretValue', 'acme/db'), false],
    ['aws', { ...apiCall('PutSecretValue', 'a'), source: 'aws.s3' }, false]
  ] as const) {
    logs.length = 0
    const answer = await deliver(store, event)
    t.match(answer, { invalidated: 0, ignored: 1, refs: [] }, JSON.stringify(event))
    t.equal(logs.length > 0, warns)
    t.notMatch(JSON.stringify(logs), /acme/)
  }
  const other = apiCall('PutSecretValue', arn('b', '999999999999'), { account: '999999999999' })
  t.same((await deliver('any', other)).refs, ['any:b'], 'a store that names no accounts')
})

test('a message of SNS is believed for its signature, of version 1 and 2', async (t) => {
  const { deliver, clouds } = await setUp(t)
  const Message = JSON.stringify(apiCall('PutSecretValue', 'acme/db'))
  for (const SignatureVersion of ['1', '2'] as const) {
    for (const Subject of [undefined, 'a subject'] as const) {
      const message = clouds.snsMessage({ Message, SignatureVersion, ...(Subject && { Subject }) })
      t.same((await deliver('aws', message)).refs, ['aws:acme/db'])
      t.same((await deliver('topics', message)).refs, ['topics:acme/db'])
    }
  }
  t.equal(clouds.asked.length, 1, 'the certificate is fetched once')
  const nonsense = clouds.snsMessage({ Message: 'hello' })
  t.match(await deliver('aws', nonsense), { invalidated: 0, ignored: 1 })
})

test('a forged or foreign message of SNS is refused, and nothing is fetched from elsewhere', async (t) => {
  const { refuses, receiver, clouds } = await setUp(t)
  const Message = JSON.stringify(apiCall('PutSecretValue', 'acme/db'))
  const other = JSON.stringify(apiCall('PutSecretValue', 'acme/other'))
  const signed = (changes = {}, forged = {}) => clouds.snsMessage({ Message, ...changes }, forged)
  for (const TopicArn of [
    `arn:aws:sns:${REGION}:999999999999:secrets`,
    `arn:aws:sns:us-east-1:${ACCOUNT}:secrets`,
    `arn:aws-cn:sns:${REGION}:${ACCOUNT}:secrets`,
    'x'
  ]) {
    await refuses('aws', signed({ TopicArn }), 'foreign_topic')
  }
  await refuses(
    'topics',
    signed({ TopicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:others` }),
    'foreign_topic'
  )
  for (const SigningCertURL of [
    'https://evil.example/SimpleNotificationService-0.pem',
    `http://sns.${REGION}.amazonaws.com/SimpleNotificationService-0.pem`,
    `https://sns.${REGION}.amazonaws.com:444/SimpleNotificationService-0.pem`,
    `https://sns.${REGION}.amazonaws.com.evil.example/SimpleNotificationService-0.pem`,
    `https://sns.${REGION}.amazonaws.com@evil.example/SimpleNotificationService-0.pem`,
    `https://u:p@sns.${REGION}.amazonaws.com/SimpleNotificationService-0.pem`,
    'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem',
    `https://s3.${REGION}.amazonaws.com/SimpleNotificationService-0.pem`,
    `https://sns.${REGION}.amazonaws.com/?x=SimpleNotificationService-0.pem`,
    `https://sns.${REGION}.amazonaws.com/SimpleNotificationService-0.pem?a=b`,
    'not a url'
  ]) {
    await refuses('aws', signed({ SigningCertURL }), 'foreign_certificate')
  }
  t.same(clouds.asked, [])
  await refuses('aws', signed({}, { Message: other }), 'forged')
  await refuses('aws', signed({}, { Signature: '' }), 'forged')
  await refuses('aws', signed({}, { Subject: 'added' }), 'forged')
  await refuses('aws', signed({}, { SignatureVersion: '1' }), 'forged')
  await refuses('aws', { ...signed(), SignatureVersion: '3' }, 'unproven')
  await refuses('topics', apiCall('PutSecretValue', 'acme/db'), 'unproven')
  await refuses('topics', { path: 'acme/db' }, 'unproven')
  await refuses('none', signed(), 'unknown_store')
  const rejected = receiver.receive(DOOR, 'kv', { body: signed() })
  await t.rejects(rejected, { code: 'invalid_request' }, 'for a store of another kind')
})

test('while SNS cannot be asked for its certificate, a message may come again', async (t) => {
  const { receiver, deliver, clouds } = await setUp(t)
  const body = clouds.snsMessage({ Message: JSON.stringify(apiCall('PutSecretValue', 'a')) })
  clouds.setDown(true)
  await t.rejects(receiver.receive(DOOR, 'aws', { body }), { code: 'store_unavailable' })
  clouds.setDown(false)
  t.same((await deliver('aws', body)).refs, ['aws:a'])
})

test('a subscription of SNS is confirmed at its own host alone', async (t) => {
  const { deliver, refuses, clouds } = await setUp(t)
  const confirmation = (SubscribeURL: string, forged = {}) =>
    clouds.snsMessage({ Type: 'SubscriptionConfirmation', Token: '2336', SubscribeURL }, forged)
  for (const url of [
    'https://evil.example/?Action=ConfirmSubscription',
    'http://169.254.169.254/latest/meta-data',
    clouds.subscribeUrl.replace(REGION, 'us-east-1'),
    clouds.subscribeUrl.replace('ConfirmSubscription', 'DeleteTopic'),
    ''
  ]) {
    await refuses('aws', confirmation(url), 'foreign_subscribe_url')
  }
  const { subscribeUrl } = clouds
  await refuses('aws', confirmation('x', { SubscribeURL: subscribeUrl }), 'forged')
  t.notOk(clouds.asked.includes(subscribeUrl))
  t.match(await deliver('aws', confirmation(subscribeUrl)), { invalidated: 0, ignored: 0 })
  t.equal(clouds.asked.at(-1), subscribeUrl)
})

test('events of a key vault name its secrets, in both schemas, alone and several', async (t) => {
  const { deliver } = await setUp(t)
  for (const type of ['NewVersionCreated', 'NearExpiry', 'Expired']) {
    const name = `Microsoft.KeyVault.Secret${type}`
    t.same((await deliver('kv', [gridEvent(name, 'acme', 'MySecret')])).refs, ['kv:mysecret'])
    t.same((await deliver('kv', cloudEvent(name, 'acme', 'MySecret'))).refs, ['kv:mysecret'])
  }
  const without = { ...gridEvent(NEW, 'Acme', 'b'), data: {} }
  const several = [gridEvent(NEW, 'acme', 'a'), without, cloudEvent(NEW, 'acme', 'c')]
  t.same((await deliver('kv', several)).refs, ['kv:a', 'kv:b', 'kv:c'])
})

test('events of another vault, or of no secret, are left alone', async (t) => {
  const { deliver, receiver } = await setUp(t)
  const ours = gridEvent(NEW, 'acme', 'a')
  const theirs = gridEvent(NEW, 'other', 'a')
  for (const [event, why] of [
    [theirs, 'all of it'],
    [{ ...ours, topic: theirs.topic }, 'its topic'],
    [{ ...ours, topic: `/x${vaultId('acme')}` }, 'a topic that is none'],
    [{ ...ours, data: { ...ours.data, Id: theirs.data.Id } }, 'its id'],
    [{ ...ours, data: { ...ours.data, VaultName: 'other' } }, 'its name'],
    [{ ...ours, subject: undefined, data: {} }, 'no secret at all'],
    [gridEvent('Microsoft.KeyVault.KeyNewVersionCreated', 'acme', 'a'), 'a key'],
    [cloudEvent(NEW, 'other', 'a'), 'as a CloudEvent']
  ] as const) {
    t.match(await deliver('kv', [event]), { invalidated: 0, ignored: 1, refs: [] }, why)
  }
  const many = Array(101).fill(ours)
  await t.rejects(receiver.receive(DOOR, 'kv', { body: many }), { code: 'invalid_request' })
})

test("Event Grid's handshakes are answered", async (t) => {
  const { deliver, receiver, records } = await setUp(t)
  const validation = (validationCode: string) => [
    {
      ...gridEvent('Microsoft.EventGrid.SubscriptionValidationEvent', 'acme', ''),
      data: { validationCode, validationUrl: 'https://rp-eastus2.eventgrid.azure.net/x' }
    }
  ]
  const code = '512d38b6-c7b8-40c8-89fe-f46f9e9622b6'
  t.match(await deliver('kv', validation(code)), { validationResponse: code, invalidated: 0 })
  const odd = receiver.receive(DOOR, 'kv', { body: validation('<script>') })
  await t.rejects(odd, { code: 'invalid_request' })
  await receiver.welcome(DOOR, 'kv', 'eventgrid.azure.net')
  for (const [store, origin] of [
    ['kv', 'eventgrid.azure.net.evil.example'],
    ['kv', '*'],
    ['aws', 'eventgrid.azure.net'],
    ['none', 'eventgrid.azure.net']
  ] as const) {
    await t.rejects(receiver.welcome(DOOR, store, origin), { code: 'access_denied' })
    t.match(records.at(-1), { action: 'event.receive', outcome: 'denied' })
  }
})

test('a push of Pub/Sub is believed for its token, and names a secret by its attributes', async (t) => {
  const { deliver, clouds } = await setUp(t)
  const bearer = `Bearer ${await clouds.googleToken()}`
  for (const type of ['ADD', 'ENABLE', 'DISABLE', 'DESTROY']) {
    const push = pubSubPush(`SECRET_VERSION_${type}`, 'projects/my-project/secrets/db')
    t.same((await deliver('gcp', push, bearer)).refs, ['gcp:db'])
  }
  t.equal(clouds.asked.length, 1, "Google's keys are fetched once")
  const numbered = pubSubPush('SECRET_DELETE', 'projects/4242/secrets/db')
  t.same((await deliver('gcp', numbered, bearer)).refs, ['gcp:db'])
  for (const [type, id] of [
    ['SECRET_VERSION_ADD', 'projects/other/secrets/db'],
    ['SECRET_VERSION_ADD', 'projects/my-project/locations/europe-west3/secrets/db'],
    ['SECRET_VERSION_ADD', 'gcp:db'],
    ['SECRET_VERSION_ADD', 'projects/my-project/secrets/'],
    ['SECRET_ROTATE', 'projects/my-project/secrets/db'],
    ['', 'projects/my-project/secrets/db']
  ] as const) {
    t.match(await deliver('gcp', pubSubPush(type, id), bearer), { ignored: 1, refs: [] }, id)
  }
})

test('a push without the token that was configured is refused', async (t) => {
  const { refuses, receiver, clouds } = await setUp(t)
  const push = pubSubPush('SECRET_VERSION_ADD', 'projects/my-project/secrets/db')
  const seconds = Math.floor(Date.now() / 1000)
  for (const claims of [
    { aud: 'https://other.example' },
    { email: 'other@my-project.iam.gserviceaccount.com' },
    { email_verified: false },
    { email: undefined },
    { iss: 'https://evil.example' },
    { exp: seconds - 120 },
    { exp: undefined }
  ]) {
    await refuses('gcp', push, 'forged', `Bearer ${await clouds.googleToken(claims)}`)
  }
  await refuses('gcp', push, 'forged', `Bearer ${await clouds.googleToken({}, true)}`)
  await refuses('gcp', push, 'forged', 'Bearer x.y.z')
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`
  await refuses('gcp', push, 'forged', `Bearer ${unsigned}`)
  await refuses('gcp', push, 'unproven')
  await refuses('gcp', push, 'unproven', 'Basic eDp5')
  await refuses('gcp', { path: 'db' }, 'unproven')
  await refuses('bare', push, 'unproven', `Bearer ${await clouds.googleToken()}`)

  const later = await setUp(t)
  later.clouds.setDown(true)
  const authorization = `Bearer ${await later.clouds.googleToken()}`
  const unanswered = later.receiver.receive(DOOR, 'gcp', { body: push, authorization })
  await t.rejects(unanswered, { code: 'store_unavailable' })
  t.ok(receiver)
})

test('the simple form names paths of any store that asks for no proof', async (t) => {
  const { deliver, receiver, refuses } = await setUp(t)
  t.same((await deliver('vault', { path: 'kv/app/db' })).refs, ['vault:kv/app/db'])
  t.same((await deliver('cluster', { paths: ['apps/a', 'apps/b', 'apps/a'] })).refs, [
    'cluster:apps/a',
    'cluster:apps/b'
  ])
  t.same((await deliver('aws', { path: 'acme/db' })).refs, ['aws:acme/db'])
  t.same((await deliver('kv', { path: 'A' })).refs, ['kv:a'])
  t.same((await deliver('bare', { path: 'db' })).refs, ['bare:db'])
  t.match(await deliver('vault', { path: 'other/db' }), { invalidated: 0, ignored: 1 })
  // A path is decoded once: the secret that is invalidated is the one that was named.
  for (const path of ['kv/a%20b', 'kv/a%2Cb', 'kv/100%2541', 'kv/%7Ba%7D']) {
    t.same((await deliver('vault', { path })).refs, [`vault:${path}`])
  }
  for (const path of ['a b', '../x', 'kv/../x', 'apps']) {
    const refused = receiver.receive(DOOR, 'cluster', { body: { path } })
    await t.rejects(refused, { code: 'invalid_reference' })
  }
  for (const body of [
    {},
    { path: '' },
    { paths: [] },
    { path: 'a', x: 1 },
    [{ path: 'a' }],
    null
  ]) {
    await t.rejects(receiver.receive(DOOR, 'cluster', { body }), { code: 'invalid_request' })
  }
  await refuses('none', { path: 'a' }, 'unknown_store')
})

test('a proof that does not fit its store is a fault of the configuration', async (t) => {
  for (const [store, message] of [
    ['kind: local, events: {}', /events names no proof/],
    [`kind: local, events: { snsTopics: ["${TOPIC}"] }`, /only AWS has/],
    [`kind: local, events: { audience: a, serviceAccount: "a@b" }`, /only Pub\/Sub has/],
    ['kind: gcp-secret-manager, project: my-project, events: { audience: a }', /needs both/],
    [
      `kind: aws-secrets-manager, region: us-east-1, events: { snsTopics: ["${TOPIC}"] }`,
      /another region/
    ],
    ['kind: local, events: { snsTopics: [x] }', /events.snsTopics.0/],
    ['kind: local, events: { colour: red }', /is not a known member/]
  ] as const) {
    try {
      parseConfigFile(`stores: [{ name: s, ${store} }]\n`, 'purser.yaml')
      t.fail(store)
    } catch (error) {
      t.ok(error instanceof ConfigError)
      t.match((error as ConfigError).faults.map((fault) => fault.message).join(), message)
    }
  }
})

test('secrets whose names are alike are told each, in every kind of store', async (t) => {
  const { deliver } = await setUp(t)
  const paths = ['db-master', 'db-backup', 'db', 'db-AbCdEf']
  for (const store of ['aws', 'kv', 'vault', 'cluster', 'bare']) {
    const [under, upper] = { vault: ['kv/'], cluster: ['apps/'] }[store] ?? ['']
    const names = paths.map((path) => `${under}${store === 'vault' ? path : path.toLowerCase()}`)
    const { refs } = await deliver(store, { paths: names })
    t.same(
      refs,
      names.map((name) => `${store}:${name}`),
      upper ?? store
    )
  }
})
