// A door of `purser serve`: on its own port, with the certificate of the public listener, and changed by a restart alone.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { type Test, test } from 'tap'
import { createCertificate } from '../../support/certificate.ts'
import {
  createConfigured,
  issueKey,
  LOCAL_YAML,
  putLocal,
  serve,
  writeYaml
} from '../../support/purser-process.ts'
import { lines } from '../../support/raw-http.ts'

const DOOR = 'doors: [{ dialect: vault, port: 0, mounts: { secret: local } }]\n'

const open = async (
  t: Test,
  variables: Record<string, string> = {},
  prepare = (_: string) => {}
) => {
  const { folder } = createConfigured(t, { yaml: LOCAL_YAML + DOOR, variables })
  prepare(folder)
  await putLocal(folder, 'team/db', '{"password":"p"}')
  const running = await serve(t, folder)
  const [, scheme = '', port = ''] = await running.says(
    /Door vault at (https?):\/\/127\.0\.0\.1:(\d+)/
  )
  return { ...running, folder, scheme, port, key: await issueKey(folder) }
}

test('a door listens beside the service, and a reload that changes it says that this needs a restart', async (t) => {
  const { port, key, child, folder, says } = await open(t)
  const ask = async () => {
    const headers = { 'x-vault-token': key }
    const answer = await fetch(`http://127.0.0.1:${port}/v1/secret/data/team/db`, { headers })
    return [answer.status, ((await answer.json()) as { data: { data: object } }).data?.data]
  }
  t.strictSame(await ask(), [200, { password: 'p' }])
  writeYaml(folder, LOCAL_YAML + DOOR.replace('secret:', 'other:'))
  child.kill('SIGHUP')
  const [warning] = await says(/\{[^\n]*changed settings need a restart[^\n]*\}/)
  t.strictSame(JSON.parse(warning).settings, ['doors'])
  t.strictSame(await ask(), [200, { password: 'p' }], 'it is as it was')
})

test('a door speaks TLS where the service does, also for LIST', async (t) => {
  const { cert, key: privateKey } = createCertificate('127.0.0.1')
  const files = { TLS_CERT_FILE: 'cert.pem', TLS_KEY_FILE: 'key.pem' }
  const { scheme, port, key } = await open(t, files, (folder) => {
    writeFileSync(join(folder, 'cert.pem'), cert)
    writeFileSync(join(folder, 'key.pem'), privateKey, { mode: 0o600 })
  })
  t.equal(scheme, 'https')
  const text = await new Promise<string>((resolve, reject) => {
    let all = ''
    const socket = connect({ host: '127.0.0.1', port: Number(port), ca: cert }, () => {
      socket.write(
        lines('LIST /v1/secret/metadata/team HTTP/1.1', 'Host: a', `X-Vault-Token: ${key}`)
      )
    })
    socket.on('data', (chunk) => {
      all += String(chunk)
    })
    socket.on('end', () => resolve(all)).on('error', reject)
  })
  t.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  t.match(text, /"data":\{"keys":\["db"\]\}/)
})
