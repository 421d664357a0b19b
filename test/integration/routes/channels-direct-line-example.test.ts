// The page and the backend of examples/direct-line: a token for whoever opened the page, and neither key nor secret.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { buildTestApp } from '../../support/build-app.ts'
import { startDirectLine } from '../../support/fake-direct-line.ts'
import { issueKey, randomSecret } from '../../support/keys.ts'
import { listenOn } from '../../support/raw-http.ts'

test('the example backend gives its page a token, and no more than that something is wrong', async (t) => {
  const secret = randomSecret()
  const fake = await startDirectLine(t, [secret])
  const built = await buildTestApp(t, {
    yaml: `
stores: [{ name: local, kind: local }]
policies: [{ client: my-site, channels: [webchat] }]
channels: [{ name: webchat, secrets: ["local:key1"], endpoint: "${fake.url}", trustedOrigins: ["http://127.0.0.1:3000"] }]
`
  })
  await built.seed('local', 'key1', secret)
  const key = await issueKey(built.keyring, 'my-site', 'w', { scopes: ['aura-services:token'] })
  const keyFile = join(built.folder, 'site.key')
  writeFileSync(keyFile, `${key}\n`)
  const port = await listenOn(built.app.server)
  const child = spawn(
    'env',
    ['-u', 'NODE_OPTIONS', process.execPath, 'examples/direct-line/server.mjs'],
    {
      env: {
        PATH: process.env['PATH'],
        PORT: '0',
        PURSER_URL: `http://127.0.0.1:${port}`,
        PURSER_KEY_FILE: keyFile
      }
    }
  )
  t.teardown(() => child.kill('SIGKILL'))
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const url = await new Promise<string>((resolve) => {
    child.stdout.once('data', (chunk) => resolve(String(chunk).trim()))
  })

  const page = await (await fetch(url)).text()
  t.match(page, /createDirectLine\(\{ token, domain \}\)/)
  const open = () => fetch(`${url}/token`, { method: 'POST', headers: { 'x-chat': '1' } })
  const token = await open()
  t.equal(token.status, 200)
  const said = await token.text()
  t.match(JSON.parse(said), {
    token: String,
    conversationId: String,
    domain: `${fake.url}/v3/directline`
  })
  t.notMatch(page + said, key)
  t.notMatch(page + said, secret)
  t.equal((await fetch(`${url}/token`, { method: 'POST' })).status, 404, "another site's form")
  t.equal((await fetch(`${url}/server.mjs`)).status, 404)

  fake.keys.clear()
  const refused = await open()
  t.equal(refused.status, 503)
  t.same(await refused.json(), { error: 'no token' })
  t.match(errors, /502 directline_rejected: urn:purser:request:/)
  t.notMatch(errors, key)
  writeFileSync(keyFile, 'no key')
  t.equal((await open()).status, 502)
})
