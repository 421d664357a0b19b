// Every example of VoiceAI Connect's page, as docs/bots.md has them, against a real AWS and Vault and Azure's wire.
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { TENANT } from '../../kinds/azure/fake.ts'
import { openFakeVault } from '../../kinds/azure/fake-vault.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { parseConfigFile } from '../../support/config-file.ts'
import { asAdmin, asBots } from '../../support/keys.ts'
import { openRealStores, REGION } from '../../support/real-stores.ts'

type Their = Record<string, unknown> & { name: string }

/** A block of JSON under the headline; a member without its object gets one. */
const examples = (): string[] => {
  const [, section = ''] = readFileSync('docs/bots.md', 'utf8').split('\n## The examples\n')
  const [text = ''] = section.split('\n## ')
  return [...text.matchAll(/```json\n(.*?)```/gs)].map(([, block = '']) =>
    block.startsWith('{') ? block : `{ "name": "fragment", ${block} }`
  )
}

test('the configuration that the page begins with is valid', async (t) => {
  const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(readFileSync('docs/bots.md', 'utf8')) ?? []
  const { bots, providers } = parseConfigFile(yaml, 'docs/bots.md')
  t.same([...bots.keys(), ...providers.keys()], ['sample-bot', 'my-provider'])
})

test('the examples of VoiceAI Connect resolve as they are written', async (t) => {
  const stores = await openRealStores(t)
  if (stores === undefined) return
  const { aws, vault } = stores
  const arn = await aws.create('SECRETNAME', JSON.stringify({ privateKey: 'from AWS', other: 'x' }))
  await vault.admin('POST', 'sys/mounts/my-kv', { type: 'kv', options: { version: '2' } })
  await vault.admin('POST', 'my-kv/data/google-prov', {
    data: { privateKey: 'from Vault', o: 'x' }
  })
  const azure = await openFakeVault(t)
  const { version } = azure.put('MY-SECRET', { value: 'from Azure' })
  azure.put('MY-SECRET', { value: 'newer' })
  const caCertFile = join(t.testdir(), 'ca.pem')
  await writeFile(caCertFile, azure.wire.ca ?? '')

  const yaml = (more: object): string =>
    `
stores:
  - { name: aws, kind: aws-secrets-manager, region: ${REGION}, accounts: ['123456789012'], endpoint: '${aws.url}' }
  - name: vault
    kind: vault
    address: ${vault.url}
    mounts: [{ path: my-kv, version: 2 }]
    auth: { method: token, token: { env: VAULT_ROOT } }
  - name: kv
    kind: azure-key-vault
    vaultUrl: ${azure.wire.url}
    allowAnyHost: true
    caCertFile: ${caCertFile}
    auth: { method: client-secret, tenantId: ${TENANT}, clientId: client, clientSecret: { env: AZURE_SECRET }, authorityHost: '${azure.wire.url}' }
policies:
  - { client: voice, bots: ['*'] }
  - { client: resolver, read: ['aws:SECRETNAME*', 'vault:my-kv/google-prov', 'kv:my-secret'] }
` +
    Object.entries(more)
      .map(([member, value]) => `${member}: ${JSON.stringify(value)}\n`)
      .join('')
  const app = await buildTestApp(t, {
    yaml: yaml({}),
    env: { ALLOW_ADMIN_WRITE: 'true' },
    environ: { VAULT_ROOT: 'root', AZURE_SECRET: 'an-app-secret' }
  })
  const voice = await app.as('voice', 'r', asBots)
  const resolver = await app.as('resolver', 'rw')
  const admin = await app.as('admin', 'rw', asAdmin)

  const texts = examples()
  t.equal(texts.length, 8)
  const found = new Map([
    ['credentialsAzureSecrets', 'from Azure'],
    ['credentialsVault', 'from Vault'],
    ['credentialsAwsSecrets', 'from AWS']
  ])
  for (const text of texts) {
    const object: Their = JSON.parse(
      text
        .replaceAll('keyvault-name.vault.azure.net', new URL(azure.wire.url).hostname)
        .replaceAll('VERSION', version)
        .replaceAll('https://VAULT_URL:8200', vault.url)
        .replaceAll(
          'arn:aws:secretsmanager:AWSREGION:ACCOUNTID:secret:SECRETNAME-SIXRANDOMCHARACHTERS',
          arn
        )
    )
    const expected: Record<string, unknown> = {}
    const theirs: Record<string, unknown> = {}
    for (const [member, value] of Object.entries(object)) {
      const origin = found.get(member.trim())
      if (member === 'credentials') Object.assign(expected, value)
      else if (origin === undefined) theirs[member] = value
      else for (const key of Object.keys(value as object)) expected[key] = origin
    }
    t.not(Object.keys(expected).length, 0)

    // In the file, as the bot or the provider that it is.
    const isProvider = 'type' in object
    const { name } = object
    const providers = isProvider ? [object] : [{ name: 'my-provider', type: 'some' }]
    const bots = isProvider ? [{ name: 'a-bot', provider: name }] : [object]
    await app.reload({ yaml: yaml({ providers, bots }) })
    const get = (url: string) => voice.ask('GET', url)
    const read = await get(`/v1/${isProvider ? 'providers' : 'bots'}/${name}/credentials`)
    const { provider: _, ...answer } = read.json()
    t.strictSame(
      answer,
      { name, ...(isProvider && { type: object['type'] }), credentials: expected },
      text
    )
    if (isProvider) {
      const withBot = await get('/v1/bots/a-bot/credentials')
      t.strictSame(withBot.json().provider.credentials, expected)
    }

    // Brought along by the caller.
    const resolved = await resolver.ask('POST', '/v1/resolve', object)
    t.strictSame(resolved.json(), { ...theirs, credentials: expected }, text)

    // And put at run time, under another name.
    const kind = isProvider ? 'providers' : 'bots'
    const put = await admin.ask('PUT', `/v1/admin/${kind}/again`, { ...object, name: 'again' })
    t.strictSame(put.json(), { name: 'again' }, text)
    if (!isProvider) {
      const again = await get('/v1/bots/again/credentials')
      t.strictSame(again.json().credentials, expected)
    }
  }
})
