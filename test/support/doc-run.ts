/**
 * The commands of the documentation, page by page, in a shell beside one service. Rule: a page is pasted as it stands, but for
 * the address of the service and its environment; what is refused has to be said to be.
 */
import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { Sensitive } from '../../src/core/secret.ts'
import { createKeyring } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { putSecret } from '../../src/kinds/local/store.ts'
import { createEmbeddedState } from '../../src/state/embedded.ts'
import { type Block, documentation, splitCommands } from './doc-blocks.ts'
import { startDirectLine } from './fake-direct-line.ts'
import { randomSecret } from './keys.ts'
import { programOf } from './peers.ts'
import { createConfigured, serve } from './purser-process.ts'

const PROGRAM = fileURLToPath(new URL('../../src/cli/purser.js', import.meta.url))

export const where = ({ file, line }: Block): string => `${file}:${line}`

export const syntaxOf = (text: string) =>
  spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' })

const yamlFor = (directLine: string): string => {
  const edge = parse(readFileSync('examples/aos-edge/purser.yaml', 'utf8'))
  return JSON.stringify({
    // What stands in a cloud elsewhere stands in a local store of its name here: references and policies are the same.
    stores: ['local', 'aws', 'vault'].map((name) => ({ name, kind: 'local' })),
    policies: [
      ...edge.policies,
      { client: 'aos-app', read: ['aws:acme-pro-{appcfg,dbcfg}/*'] },
      { client: 'listener', read: ['aws:acme/db', 'aws:acme-pro-appsec/*'] },
      { client: 'voice', bots: ['sample-bot'] },
      { client: 'my-site', channels: ['webchat'] }
    ],
    secrets: edge.secrets,
    providers: [{ name: 'my-provider', type: 'google', credentials: { privateKey: 'x' } }],
    bots: [{ name: 'sample-bot', provider: 'my-provider', credentials: { botSecret: 'x' } }],
    channels: [
      {
        name: 'webchat',
        secrets: ['local:directline/key1', 'local:directline/key2'],
        endpoint: directLine,
        trustedOrigins: []
      }
    ]
  })
}

const SEEDS = [
  ['acme-pro-dbcfg/main', '{"password":"x","username":"y"}'],
  ['acme-pro-dbsec/PostgresUserPassword', 'x'],
  ['acme-pro-grafana/GrafanaPassword', 'x'],
  ['acme-pro-base/ContainerRegistryPassword', 'x'],
  ['acme-pro-mhcfg/one', 'x'],
  ['acme-pro-appsec/SMTPMailServerPassword', 'x']
] as const

/** `curl` that fails where the answer is not as the page says; a stream is left after a moment. */
const CURL = `#!/usr/bin/env bash
body=$(mktemp)
[[ " $* " == *" -N "* ]] && most=3 || most=20
code=$(command -p curl -m $most -o "$body" -w '%{http_code}' "$@" 2>"$body.err") || true
cat "$body"
[[ $code == \${EXPECT:-2}* ]] || { echo "curl: $code instead of \${EXPECT:-2}xx" >&2; exit 1; }
`
// Where the machine has none.
const OPENSSL = `#!/usr/bin/env bash
[[ $1 == rand ]] || exit 1
exec '${process.execPath}' -p 'crypto.randomBytes(+process.argv[2]).toString(process.argv[1].slice(1))' -- "$2" "$3"
`

export const SHIMS = {
  // The service runs already.
  purser: `#!/usr/bin/env bash\n[[ $1 == serve ]] || exec '${process.execPath}' '${PROGRAM}' "$@"\n`,
  npx: '#!/usr/bin/env bash\n[[ $1 == purser ]] || exit 1\nexec "$@"\n',
  npm: '#!/usr/bin/env bash\n[[ $1 $2 $3 $4 == "run -s purser --" ]] || exit 1\nshift 4; exec purser "$@"\n',
  curl: CURL,
  ...(programOf('openssl') === undefined && { openssl: OPENSSL })
} as const

/** A folder for PATH. */
export const writeShims = (folder: string, shims: Readonly<Record<string, string>>): string => {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  for (const [name, text] of Object.entries(shims)) {
    writeFileSync(join(bin, name), text)
    chmodSync(join(bin, name), 0o755)
  }
  return bin
}

const RUN_KEY = 'purser key issue -a acme-pro-app -s aura-services:secrets -m r -e dev > app.key'

/** What a page takes for granted. */
const GIVEN: Readonly<Record<string, string>> = {
  'README.md': 'ADMIN_KEY=$(purser key issue -a operator -s aura-admin,aura-services -m rw -e dev)',
  'docs/administrators.md': 'ADMIN_KEY=$(purser key issue -a operator -s aura-admin -m rw -e dev)',
  'docs/audit.md': 'ADMIN_KEY=$(purser key issue -a operator -s aura-admin -m r -e dev)',
  'docs/events.md': 'KEY=$(purser key issue -a listener -s aura-services:secrets -m r -e dev)',
  'docs/run.md': RUN_KEY,
  'examples/kubernetes-run/README.md': RUN_KEY,
  'docs/direct-line.md': `ADMIN_KEY=$(purser key issue -a operator -s aura-admin -m rw -e dev)
SITE=$(purser key issue -a my-site -s aura-services:token -m w -e dev)
TOKEN=$(curl -X POST -H "Authorization: Bearer $SITE" "$PURSER/v1/channels/webchat/tokens" | node -p 'JSON.parse(fs.readFileSync(0)).token')`
}

/** A line whose comment says that it is refused has to be. */
const expectRefusals = (commands: string): string =>
  commands.replaceAll(/^(?=.*# *(?:access_denied|40\d))/gm, 'EXPECT=4 ')

/** Not synchronous: this process answers for Direct Line. */
const runScript = (script: string, cwd: string) =>
  new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile('bash', ['-c', script], { cwd, timeout: 300_000 }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : (error.code ?? error.signal), stdout, stderr })
    )
  })

/** The blocks are scripts. */
export const runPages = async (t: Test, blocks: readonly Block[]): Promise<string[]> => {
  const keys = [randomSecret(), randomSecret()] as const
  const directLine = await startDirectLine(t, [...keys])
  const { folder, variables } = createConfigured(t, {
    yaml: yamlFor(directLine.url),
    variables: { ALLOW_ADMIN_WRITE: 'true', JWT_SECRET: randomSecret() }
  })
  const state = createEmbeddedState(join(folder, 'data'))
  const sealer = createSealer(createKeyring([variables['ENCRYPTION_KEYS'] ?? '']))
  const store = (name: string) => ({ name, state, sealer: () => sealer, now: Date.now })
  for (const [path, text] of SEEDS) await putSecret(store('aws'), path, new Sensitive(text))
  await putSecret(store('local'), 'directline/key1', new Sensitive(keys[0]))
  await state.close()
  const bin = writeShims(folder, SHIMS)
  symlinkSync(resolve('examples'), join(folder, 'examples'))
  writeFileSync(join(folder, 'key1.txt'), keys[0])
  writeFileSync(join(folder, 'key2.txt'), keys[1])
  writeFileSync(join(folder, 'database.json'), '{"username":"app","password":"x"}')
  writeFileSync(
    join(folder, 'clients.yaml'),
    documentation().find(({ language, text }) => language === 'yaml' && text.startsWith('clients:'))
      ?.text ?? ''
  )
  const { url, child } = await serve(t, folder)
  const given = `set -euo pipefail
export PATH='${bin}':"$PATH" PURSER='${url}' INTERNAL_SECRET='${variables['INTERNAL_SECRET']}'
unset NODE_OPTIONS
pid=${child.pid}
`
  const pages = new Map<string, Block[]>()
  for (const block of blocks) {
    if (splitCommands(block.text).run.replaceAll(/#.*/g, '').trim() === '') continue
    if (syntaxOf(splitCommands(block.text).run).status !== 0) continue
    pages.set(block.file, [...(pages.get(block.file) ?? []), block])
  }
  // The one that takes the first key out of the ring comes last.
  const last = 'docs/rotate-encryption-key.md'
  for (const file of [...[...pages.keys()].filter((page) => page !== last), last]) {
    const scripts = (pages.get(file) ?? []).map((block) => {
      const { run } = splitCommands(block.text)
      const here = run
        .replaceAll('http://127.0.0.1:8700', url)
        .replaceAll(/(--environment|-e) pro\b/g, '$1 dev')
      return `echo 'at ${where(block)}' >&2\n${expectRefusals(here)}`
    })
    const script = [given, GIVEN[file] ?? '', ...scripts].join('\n')
    const { status, stdout, stderr } = await runScript(script, folder)
    t.equal(status, 0, `${file}\n${stderr}\n${status === 0 ? '' : stdout.slice(-2_000)}`)
  }
  return [...pages.keys()]
}
