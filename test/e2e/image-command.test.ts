// The command line of the image: the generator that it stands in for, as its users write it, and `purser` beside it.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { argumentsOf } from '../../src/cli/image.ts'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { openApiKey } from '../../src/keys/api-key.ts'
import { createDirectory } from '../support/embedded.ts'

const IMAGE = new URL('../../src/cli/image.js', import.meta.url).pathname

/** As the Dockerfile's entrypoint starts it. */
const runImage = (t: Test, args: readonly string[], env: Readonly<Record<string, string>>) =>
  new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
    const child = spawn(process.execPath, ['--disable-proto=delete', '--', IMAGE, ...args], {
      cwd: createDirectory(t),
      env: { PATH: process.env['PATH'], ...env },
      timeout: 60_000
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => (stdout += chunk))
    child.stderr.on('data', (chunk) => (stderr += chunk))
    child.once('close', (code) => done({ code, stdout, stderr }))
  })

test('The image issues a key with the flags and the variable of the generator that it stands in for', async (t) => {
  const AURA_ENCRYPTION_KEY = newEncryptionKey()
  const flags = '-v 8.3.0 -s aura-services -a kernel -m rw'.split(' ')
  const { code, stdout, stderr } = await runImage(t, flags, { AURA_ENCRYPTION_KEY })
  t.equal(code, 0, stderr)
  t.match(stdout, /^purser_pro_[A-Za-z0-9_.-]+\n$/, 'the key alone')
  t.match(await openApiKey(createKeyring([AURA_ENCRYPTION_KEY]), stdout.trim()), {
    client: 'kernel',
    scopes: ['aura-services'],
    mode: 'rw',
    environment: 'pro',
    minimumVersion: '8.3.0'
  })
  t.match(stderr, /AURA_ENCRYPTION_KEY: is taken as ENCRYPTION_KEYS/)
})

test('An identifier is generated where none stands behind its flag, as the generator did', async (t) => {
  const AURA_ENCRYPTION_KEY = newEncryptionKey()
  const issue = async (...flags: string[]) => {
    const { code, stdout, stderr } = await runImage(t, flags, { AURA_ENCRYPTION_KEY })
    t.equal(code, 0, stderr)
    return openApiKey(createKeyring([AURA_ENCRYPTION_KEY]), stdout.trim())
  }
  t.match(await issue('-i', '-m', 'rw'), { keyId: /^[0-9a-f-]{36}$/, mode: 'rw' })
  const keyId = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  t.match(await issue('-i', keyId), { keyId })
})

test('The image takes a file of settings before and behind the flags of a key', async (t) => {
  const key = newEncryptionKey()
  const file = join(createDirectory(t), 'settings.env')
  writeFileSync(file, `ENCRYPTION_KEYS=${key}\n`, { mode: 0o600 })
  const settings = `--env-file=${file}`
  const flags = ['-a', 'kernel', '-e', 'dev']
  for (const args of [
    [settings, ...flags],
    [...flags, settings],
    [...flags, '--env-file', file]
  ]) {
    const { code, stdout, stderr } = await runImage(t, args, {})
    t.equal(code, 0, stderr)
    t.match(await openApiKey(createKeyring([key]), stdout.trim()), { environment: 'dev' })
  }
})

test("A command, and what stands before one, is the program's own", async (t) => {
  for (const own of [
    ['serve'],
    ['key', 'issue', '-m', 'rw'],
    ['--help'],
    ['-h'],
    ['-V'],
    ['--version'],
    ['--env-file', 'x', 'serve'],
    ['--env-file=x', 'serve']
  ]) {
    t.strictSame(argumentsOf(own), own)
  }
  t.strictSame(argumentsOf(['-v', '8.3.0']), ['key', 'issue', '-v', '8.3.0'])
  t.strictSame(argumentsOf(['--json']), ['key', 'issue', '--json'])
  for (const settings of [['--env-file', 'x'], ['--env-file=x']]) {
    t.strictSame(argumentsOf(settings), settings)
    t.strictSame(argumentsOf([...settings, '--help']), [...settings, '--help'])
    t.strictSame(argumentsOf([...settings, '-a', 'kernel']), [
      ...settings,
      'key',
      'issue',
      '-a',
      'kernel'
    ])
  }
  const help = await runImage(t, ['--help'], {})
  t.match(help, { code: 0, stdout: /A secrets broker/ })
  const wrong = await runImage(t, ['-x'], { ENCRYPTION_KEYS: newEncryptionKey() })
  t.match(wrong, { code: 2, stdout: '', stderr: /unknown option '-x'/ })
})
