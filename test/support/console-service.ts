/** A service with its console, as a process of its own, and data in it: what the tests of the page look at. */
import type { Test } from 'tap'
import { createCanary } from './canary.ts'
import { startDirectLine } from './fake-direct-line.ts'
import { randomSecret } from './keys.ts'
import { createConfigured, get, issueKey, putLocal, serve } from './purser-process.ts'

/** Markup, and marks that turn the direction of what follows. */
export const HOSTILE = '<img src=x onerror=alert(1)>\u202egnp.exe\u2066'
/** As long as a name may nearly be; and, with a field, a reference. */
export const LONG = `shop/${'long-'.repeat(199)}end`
export const LONGEST = `local:${LONG}#${'field'.repeat(200)}`
/** What a store takes for a name, and how its reference is spelt. */
export const MARKUP = 'shop/<b>bold</b>&amp;"onload=alert(1)'
export const MARKUP_REFERENCE = 'local:shop/%3Cb%3Ebold%3C/b%3E&amp;%22onload=alert(1)'

/** A credential that the file itself has. */
export const WRITTEN = 'written-in-the-file-and-nowhere-else'

const yamlOf = (directLine: string): string =>
  JSON.stringify({
    stores: [
      { name: 'local', kind: 'local' },
      {
        name: 'vault',
        kind: 'vault',
        // Nothing listens there.
        address: 'http://127.0.0.1:9',
        mounts: [{ path: 'kv', version: 2 }],
        auth: { method: 'token', token: { ref: 'local:vault/token' } }
      }
    ],
    policies: [
      { client: 'shop', read: ['local:shop/**'] },
      { client: ['bot', 'shop'], read: ['local:bot/*', 'vault:kv/**'], bots: ['sample-bot'] },
      { client: '*', read: ['local:public/*'] },
      { client: 'admin', read: ['local:**'], write: ['local:shop/*'] }
    ],
    bots: [
      {
        name: 'sample-bot',
        displayName: HOSTILE,
        provider: 'shared',
        credentials: { plain: WRITTEN },
        credentialsSecrets: { key: 'local:bot/key', gone: 'local:bot/gone' }
      }
    ],
    providers: [{ name: 'shared', type: 'sample', credentialsSecrets: { key: 'local:bot/key' } }],
    channels: [
      {
        name: 'web',
        bot: 'sample-bot',
        secrets: ['local:line/one'],
        endpoint: directLine,
        trustedOrigins: ['https://www.example.com']
      }
    ]
  })

/** What an administrator issues and writes, its key has to cover. */
const ADMIN = ['aura-admin', 'aura-services:secrets']

/** A provider that nobody asks here. */
const PROVIDER = {
  OIDC_ISSUER: 'https://id.example',
  OIDC_CLIENT_ID: 'purser',
  OIDC_REDIRECT_URI: 'https://purser.example/v1/sessions/oidc/callback'
}

export const startConsole = async (t: Test) => {
  const canary = createCanary()
  const lineSecret = randomSecret()
  const directLine = await startDirectLine(t, [lineSecret])
  const { folder, variables } = createConfigured(t, {
    yaml: yamlOf(directLine.url),
    variables: {
      CONSOLE_ENABLED: 'true',
      JWT_SECRET: randomSecret(),
      AUTH_COOKIE_SECURE: 'false',
      ALLOW_ADMIN_WRITE: 'true',
      UPSTREAM_TIMEOUT_MS: '500',
      RATE_LIMIT_ENABLED: 'false',
      METRICS_TOKEN: randomSecret(),
      OIDC_CLIENT_SECRET: randomSecret(),
      ...PROVIDER
    }
  })
  for (const path of [
    'vault/token',
    'shop/db',
    'shop/mail',
    'bot/key',
    'public/motd',
    LONG,
    MARKUP
  ]) {
    await putLocal(folder, path, `${canary.token}-${path.slice(0, 8)}`)
  }
  await putLocal(folder, 'line/one', lineSecret)
  const { url } = await serve(t, folder)
  const key = await issueKey(folder, { client: 'admin', scopes: ADMIN, mode: 'rw' })
  const reader = await issueKey(folder, { client: 'auditor', scopes: ADMIN, mode: 'r' })
  const shop = await issueKey(folder, { client: 'shop', mode: 'rw' })
  const refs = [
    'local:shop/db',
    'local:shop/db',
    'local:bank/db',
    'local:public/motd',
    'vault:kv/x'
  ]
  for (const ref of [...refs, `local:${LONG}`, LONGEST, `local:${MARKUP}`]) {
    await get(`${url}/v1/secrets?ref=${encodeURIComponent(ref)}`, shop).then((one) => one.text())
  }
  return {
    url,
    folder,
    variables,
    canary,
    /** Of the channel. */
    lineSecret,
    /** An administrator's key, one of mode r, and one of a client. */
    key,
    reader,
    shop
  }
}
