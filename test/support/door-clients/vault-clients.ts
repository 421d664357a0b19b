/** Clients of Vault: its command lines, libraries and agents. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import nodeVault from 'node-vault'
import { isInstalled, programOf } from '../peers.ts'
import {
  type Case,
  type ClientsOfDoor,
  type DoorClient,
  gives,
  type Outcome,
  type Place,
  plain,
  type Ran,
  runProgram
} from './client.ts'
import { openOpenBao, openPurser } from './vault-worlds.ts'

const doing = (one: Case): 'read' | 'list' | 'write' =>
  one === 'list' || one === 'write' ? one : 'read'

const q = JSON.stringify

/** What a program of ours prints: `{value}` or `{error, …}`. */
const ofProgram = ({ code, out, err }: Ran): Outcome => {
  if (code !== 0) return { kind: `exit ${code}`, text: plain(err) }
  const { value, error, status, texts } = JSON.parse(out)
  if (error === undefined) return gives(value)
  const kind = [error, status].filter((one) => one !== undefined).join(' ')
  return { kind, text: plain((texts ?? []).join(' ')) }
}

const asJson = (one: Case, { url, token, mount, path }: Place): string =>
  q({ url, token, mount, path, do: doing(one) })

const hvac: DoorClient = {
  name: 'hvac 2.4.0 (Python)',
  available: () => isInstalled('hvac'),
  ask: async (one, place) => {
    const script = resolve('test/support/door-clients/hvac_client.py')
    return ofProgram(
      await runProgram(programOf('hvac') ?? '', [script], { input: asJson(one, place) })
    )
  }
}

const goApi: DoorClient = {
  name: 'github.com/hashicorp/vault/api 1.23.0 (Go)',
  available: () => isInstalled('vault-go'),
  ask: async (one, place) =>
    ofProgram(await runProgram(programOf('vault-go') ?? '', [], { input: asJson(one, place) }))
}

interface NodeVaultError extends Error {
  readonly response?: { readonly statusCode?: number }
}

const nodeVaultClient: DoorClient = {
  name: 'node-vault 0.12.0 (Node.js)',
  available: async () => true,
  ask: async (one, { url, token, mount, path }) => {
    const client = nodeVault({ endpoint: url, token })
    try {
      if (one === 'list') {
        const { data } = await client.list(`${mount}/metadata/${path}`)
        return gives(data.keys)
      }
      if (one === 'write') {
        const { data } = await client.write(`${mount}/data/${path}`, {
          data: { written: 'by Node' }
        })
        return gives(data.version > 0)
      }
      const { data } = await client.read(`${mount}/data/${path}`)
      return gives(data.data)
    } catch (error) {
      const { message, response } = error as NodeVaultError
      return { kind: `Error, status ${response?.statusCode}`, text: plain(message) }
    }
  }
}

/** The first error of an answer in what a Go program says. */
const failed = ({ code }: Ran, said: string): Outcome => {
  const [, status, text] =
    /Code: (\d{3})\. Errors:(?: \|)* (.*?)(?= (?:TIME|backoff=|\(|\| )|$)/.exec(said) ?? []
  const kind = status === undefined ? `exit ${code}` : `exit ${code}, status ${status}`
  return { kind, text: text ?? said }
}

const WAYS: Readonly<Record<'read' | 'list' | 'write', (place: Place) => string[]>> = {
  read: ({ mount, path }) => ['kv', 'get', '-format=json', `-mount=${mount}`, path],
  list: ({ mount, path }) => ['kv', 'list', '-format=json', `-mount=${mount}`, path],
  write: ({ mount, path }) => [
    'kv',
    'put',
    '-format=json',
    `-mount=${mount}`,
    path,
    'written=by the command'
  ]
}

const valueOfCommand = (one: Case, out: string): unknown => {
  const told = JSON.parse(out)
  if (one === 'list') return told
  return one === 'write' ? told.data.version > 0 : told.data.data
}

const command: DoorClient = {
  name: 'bao 2.7.2 (command line)',
  available: () => isInstalled('openbao'),
  ask: async (one, place) => {
    const ran = await runProgram(programOf('openbao') ?? '', WAYS[doing(one)](place), {
      env: { BAO_ADDR: place.url, BAO_TOKEN: place.token }
    })
    if (ran.code === 0) return gives(valueOfCommand(one, ran.out))
    return failed(ran, plain(ran.err || ran.out))
  }
}

/** So that a client says what it was told, instead of trying for as long as Retry-After says. */
const ONCE = { VAULT_MAX_RETRIES: '0', BAO_MAX_RETRIES: '0' }

const TEMPLATES = {
  read: ({ mount, path }: Place) =>
    `{{ with secret "${mount}/data/${path}" }}{{ .Data.data | toJSON }}{{ end }}`,
  list: ({ mount, path }: Place) => `{{ secrets "${mount}/metadata/${path}" | toJSON }}`
}

/** What a program rendered, or the first that it said of an answer. */
const rendered = async (file: string, ran: Ran): Promise<Outcome> => {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text !== undefined) return { kind: 'gives', text: text.trim() }
  const said = plain(ran.err + ran.out)
  const [missing] = /no secret exists/.exec(said) ?? []
  return failed(ran, missing ?? said)
}

const inFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-client-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const consulTemplate: DoorClient = {
  name: 'consul-template 0.41.1',
  available: () => isInstalled('consul-template'),
  ask: async (one, place) => {
    const does = doing(one)
    if (does === 'write') return undefined
    return inFolder(async (folder) => {
      const [template, target] = [join(folder, 'template'), join(folder, 'rendered')]
      await writeFile(template, TEMPLATES[does](place))
      const ran = await runProgram(
        programOf('consul-template') ?? '',
        ['-once', '-vault-retry=false', '-template', `${template}:${target}`],
        { folder, env: { VAULT_ADDR: place.url, VAULT_TOKEN: place.token, ...ONCE } }
      )
      return rendered(target, ran)
    })
  }
}

const agent: DoorClient = {
  name: 'bao agent 2.7.2 (template)',
  available: () => isInstalled('openbao'),
  ask: async (one, place) => {
    const does = doing(one)
    if (does === 'write') return undefined
    return inFolder(async (folder) => {
      const [config, token, target] = ['agent.hcl', 'token', 'rendered'].map((name) =>
        join(folder, name)
      ) as [string, string, string]
      await writeFile(token, `${place.jwt}\n`)
      await writeFile(
        config,
        `exit_after_auth = true
vault {
  address = ${q(place.url)}
  retry { num_retries = -1 }
}
auto_auth {
  method "jwt" {
    exit_on_err = true
    config = { path = ${q(token)}, role = "workloads", remove_jwt_after_reading = false }
  }
}
template_config { exit_on_retry_failure = true }
template {
  contents = ${q(TEMPLATES[does](place))}
  destination = ${q(target)}
}
`
      )
      const ran = await runProgram(programOf('openbao') ?? '', ['agent', `-config=${config}`], {
        folder,
        env: ONCE
      })
      return rendered(target, ran)
    })
  }
}

export const VAULT: ClientsOfDoor = {
  door: 'vault',
  product: 'OpenBao 2.7.2',
  clients: [command, hvac, nodeVaultClient, goApi, consulTemplate, agent],
  needs: () => isInstalled('openbao'),
  openDoor: openPurser,
  openProduct: openOpenBao
}
