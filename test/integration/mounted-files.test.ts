/** Files that an editor or an orchestrator has put a byte order mark or white space into: they mean what they say. */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { Type } from 'typebox'
import { readConfig } from '../../src/config/config.ts'
import { Sensitive } from '../../src/core/secret.ts'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { kindOf } from '../../src/kinds/catalog.ts'
import { defineKind } from '../../src/kinds/kind.ts'
import { local } from '../../src/kinds/local/index.ts'
import type { Credential } from '../../src/kinds/provider.ts'
import { ambientCredential } from '../../src/kinds/shared/credential.ts'
import { connectStores, type StoresDeps } from '../../src/secrets/stores.ts'
import { useEnvironment } from '../kinds/gcp/fake.ts'
import { createCertificate } from '../support/certificate.ts'
import { randomSecret } from '../support/keys.ts'
import { createDeps } from '../support/provider-deps.ts'
import { listen } from '../support/wire.ts'

/** A store that gives the credential it was given: every kind asks for its own in the same way. */
const echo = defineKind({
  ...local,
  settings: Type.Object({ token: Type.Any() }),
  address: () => ({ kind: 'local' }) as const,
  connect: async ({ token }, deps) => ({
    read: async (_locator, options) => ({
      text: await deps.credential(token as Credential, options),
      version: '1'
    }),
    check: async () => {},
    close: async () => {}
  })
})

const credentialIn = async (file: string): Promise<string> => {
  const { log, now } = createDeps()
  const spec = {
    name: 'echo',
    plugin: echo,
    settings: { token: { file } },
    address: { kind: 'local' },
    requireTags: new Map()
  } as const
  const deps = { log, now, replicas: () => 1, timeoutMs: 10_000 }
  const { stores } = await connectStores([spec], deps as unknown as StoresDeps)
  const store = stores.get('echo')
  const record = await store?.read({ path: 'x' }, {})
  return record?.text.reveal() ?? ''
}

test("A store's credential in a file is read without its mark and the white space around it", async (t) => {
  const file = join(t.testdir(), 'token')
  const json = '{\n  "private_key": "a\\nb"\n}'
  for (const word of ['hvs.a-token', 'an id', 'with inner  blanks', json]) {
    for (const around of [
      ['', '\n'],
      ['\uFEFF', '\r\n'],
      ['\uFEFF \n', ' \t\n\n']
    ] as const) {
      writeFileSync(file, around.join(word))
      t.equal(await credentialIn(file), word, JSON.stringify(around))
    }
  }
})

test('A credential that is no UTF-8 text, or nothing but white space, is not there', async (t) => {
  const file = join(t.testdir(), 'token')
  for (const bytes of [
    Buffer.from('\uFEFFtoken', 'utf16le'),
    Buffer.of(0xe9),
    '\uFEFF \n',
    'a\0b'
  ]) {
    writeFileSync(file, bytes)
    await t.rejects(credentialIn(file), { reason: 'misconfigured', code: 'credential_missing' })
  }
})

test('A credential that is a pipe or a device is waited for by nobody, an SDK included', async (t) => {
  const folder = t.testdir()
  const unfit = { reason: 'misconfigured', code: 'credential_no_file' }
  for (const file of [folder, '/dev/zero']) await t.rejects(credentialIn(file), unfit)
  const deps = {
    credential: async (where: Credential) =>
      new Sensitive('file' in where ? await credentialIn(where.file) : '/dev/zero')
  }
  const named = { variables: [], fileVariables: ['AWS_CONFIG_FILE'], files: [] }
  const options = { signal: AbortSignal.timeout(10_000) }
  await t.rejects(ambientCredential(deps, named, options), unfit)
  const absent = { variables: [], fileVariables: [], files: [join(folder, 'none'), '/dev/null'] }
  t.strictSame(await ambientCredential(deps, absent, options), [''])
})

test("Redis' authority is seen behind a byte order mark", async (t) => {
  const { cert } = createCertificate('127.0.0.1')
  const folder = t.testdir({ 'purser.yaml': 'stores: []\n', 'ca.pem': `\uFEFF${cert}` })
  const { redis } = readConfig(
    {
      ENCRYPTION_KEYS: newEncryptionKey(),
      INTERNAL_SECRET: randomSecret(),
      REDIS_URL: 'rediss://:pw@127.0.0.1',
      REDIS_CA_FILE: 'ca.pem'
    },
    folder
  )
  const { address } = redis ?? {}
  t.strictSame(address?.kind === 'single' && address.credentials?.().ca, Buffer.from(cert))
})

const secureServer = async (t: Test) => {
  const { key, cert } = createCertificate('127.0.0.1')
  const server = createServer(
    { key, cert, ALPNProtocols: ['h2', 'http/1.1'] },
    (_request, response) => {
      response.writeHead(500).end()
    }
  )
  const secured = once(server, 'secureConnection', { signal: AbortSignal.timeout(20_000) }).then(
    () => true,
    () => false
  )
  return { port: await listen(t, server), cert, secured }
}

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
})
const KEY_FILE = JSON.stringify({
  type: 'service_account',
  client_email: 'a@b.example',
  private_key_id: 'x',
  private_key: privateKey
})
const VAULT = {
  mounts: [{ path: 'secret', version: 2 }],
  auth: { method: 'token', token: { env: 'T' } }
}
const KINDS = [
  [
    'aws-secrets-manager',
    (port: number, caCertFile: string) => ({
      region: 'eu-west-1',
      endpoint: `https://127.0.0.1:${port}`,
      caCertFile
    })
  ],
  [
    'azure-key-vault',
    (port: number, caCertFile: string) => ({
      vaultUrl: `https://127.0.0.1:${port}`,
      allowAnyHost: true,
      caCertFile
    })
  ],
  [
    'vault',
    (port: number, caCertFile: string) => ({
      ...VAULT,
      address: `https://127.0.0.1:${port}`,
      caCertFile
    })
  ],
  [
    'gcp-secret-manager',
    (port: number, caCertFile: string) => ({
      project: 'my-project',
      endpoint: `127.0.0.1:${port}`,
      auth: { method: 'service-account-key', key: { env: 'KEY' } },
      caCertFile
    })
  ],
  [
    'kubernetes',
    (port: number, caCertFile: string) => {
      const login = { method: 'token', token: { env: 'T' }, caCertFile }
      return { namespaces: ['a'], auth: { ...login, server: `https://127.0.0.1:${port}` } }
    }
  ]
] as const

for (const [kind, settingsFor] of KINDS) {
  test(`A certificate authority of ${kind} is seen behind a byte order mark`, async (t) => {
    useEnvironment(t, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' })
    const { port, cert, secured } = await secureServer(t)
    const caCertFile = join(t.testdir(), 'ca.pem')
    writeFileSync(caCertFile, `\uFEFF${cert}`)
    const deps = createDeps({ T: 'a-token', KEY: KEY_FILE })
    const provider = await kindOf(kind)?.connect(settingsFor(port, caCertFile), deps)
    await provider?.check({ signal: AbortSignal.timeout(10_000) }).catch(() => {})
    t.ok(await secured)
    await provider?.close()
  })
}
