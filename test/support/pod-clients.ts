/**
 * What runs in a pod and reads its whole group of secrets: clients of AWS and of Vault, the External Secrets Operator and
 * `purser run`. Rule: each gets the token of the pod as a file, and what docs have a user set for it; no key stands anywhere.
 */
import { appendFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'
import { runProgram } from './door-clients/client.ts'
import { createDirectory } from './embedded.ts'
import { operate } from './external-secrets.ts'
import { administratorOf } from './kubectl.ts'
import { isInstalled, programOf } from './peers.ts'
import type { PodService, Team } from './pod-service.ts'
import { runPurser } from './purser-process.ts'

/** What a program made of the answers. */
export interface Seen {
  /** By the names within the group; undefined where it got none. */
  readonly values?: Readonly<Record<string, string>> | undefined
  /** What it was told where it asked for another group, in all ways that it has. */
  readonly others?: unknown
  /** How it ended without any: the class of an exception, or an exit code; and what a person reads. */
  readonly error?: string | undefined
  readonly text?: string
}

/** True, or which of the peers is missing that clients and their cluster are. */
export const arePodsInstalled = (): Promise<true | string> =>
  isInstalled('kube-apiserver', 'etcd', 'aws-clients', 'hvac', 'external-secrets')

export interface PodClient<S = PodService> {
  readonly name: string
  readonly read: (t: Test, service: S, tokenFile: string) => Promise<Seen>
  /** What `others` says where another group is refused. */
  readonly forbidden: unknown
  /** How it ends with a token that is not taken, as it does at the product that it is made for. */
  readonly refused: { readonly error: string; readonly text: RegExp }
}

const PAGE = 'docs/doors/aws.md'

/** The variables of a pod, as the page of the door has a user set them. */
const environmentOfPage = (
  { url, awsUrl, team }: PodService,
  tokenFile: string
): Readonly<Record<string, string>> => {
  const [, block = ''] =
    /```sh\n((?:export .*\n)*export AWS_CONTAINER_CREDENTIALS_FULL_URI[^`]*)```/.exec(
      readFileSync(PAGE, 'utf8')
    ) ?? []
  const here = block
    .replaceAll(/https:\/\/purser\.example:\d+/g, awsUrl)
    .replaceAll('https://purser.example', url)
    .replaceAll('/var/run/secrets/purser/token', tokenFile)
    .replaceAll('prod-cluster', team.trust)
  const set = here.matchAll(/(AWS_\w+)="?([^\s"]+)/g)
  return Object.fromEntries([...set].map(([, name, value]) => [name, value]))
}

/** Where Python finds a certifi that has the authority of the service too, as an image would. */
export const certifiWith = (t: Test, ca: string): string => {
  const folder = createDirectory(t)
  const lib = resolve('.peers', 'python', 'lib')
  const [version = ''] = readdirSync(lib)
  cpSync(join(lib, version, 'site-packages', 'certifi'), join(folder, 'certifi'), {
    recursive: true
  })
  appendFileSync(join(folder, 'certifi', 'cacert.pem'), ca)
  return folder
}

const inGroup = ({ group }: Team, values: Team['values']): Team['values'] =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name.replace(`${group}/`, ''), value])
  )

/** A program of ours by a client, which prints what it made of the answers. */
const program =
  <S extends Pick<PodService, 'team'>>(
    command: () => readonly [string, ...string[]],
    envOf: (t: Test, service: S, tokenFile: string) => object
  ) =>
  async (t: Test, service: S, tokenFile: string): Promise<Seen> => {
    const [file, ...args] = command()
    const { out, err } = await runProgram(
      file,
      [...args, service.team.group, service.team.forbidden],
      {
        env: { ...envOf(t, service, tokenFile) }
      }
    )
    if (out === '') return { error: 'no answer', text: err }
    const { values, ...told } = JSON.parse(out)
    return { ...told, ...(values !== undefined && { values: inGroup(service.team, values) }) }
  }

const python = (client: string) => (): readonly [string, ...string[]] => [
  programOf('hvac') ?? '',
  resolve('test/support/door-clients/pod_client.py'),
  client
]

export const boto3Environment = (t: Test, service: PodService, tokenFile: string) => ({
  ...environmentOfPage(service, tokenFile),
  AWS_CA_BUNDLE: service.caFile,
  PYTHONPATH: certifiWith(t, service.ca)
})

const NONE_OF_BATCH = {
  SecretValues: [],
  Errors: [{ ErrorCode: 'AccessDeniedException' }]
}

const boto3: PodClient = {
  name: 'boto3',
  read: program(python('boto3'), boto3Environment),
  forbidden: [{ error: 'ClientError', text: /AccessDeniedException/ }, NONE_OF_BATCH],
  refused: { error: 'CredentialRetrievalError', text: /^[^{]* non 200 response 403 / }
}

export const javaScriptEnvironment = (_: Test, service: PodService, tokenFile: string) => ({
  ...environmentOfPage(service, tokenFile),
  NODE_EXTRA_CA_CERTS: service.caFile
})

const javaScript: PodClient = {
  name: 'AWS SDK for JavaScript',
  read: program(
    () => [process.execPath, resolve('build/test/support/door-clients/pod-js-client.js')],
    javaScriptEnvironment
  ),
  forbidden: [{ error: 'AccessDeniedException' }, NONE_OF_BATCH],
  // Of the provider that it tries behind the one which was refused, and which speaks http: alone.
  refused: { error: 'TypeError', text: /^Protocol "https:" not supported/ }
}

/** All that a client of Vault needs of a service. */
type VaultService = Pick<PodService, 'vaultUrl' | 'caFile' | 'team'>

export const hvacEnvironment = (
  _: Test,
  { vaultUrl, caFile, team }: VaultService,
  tokenFile: string
) => ({ VAULT_ADDR: vaultUrl, VAULT_CACERT: caFile, ROLE: team.trust, TOKEN_FILE: tokenFile })

const hvac = (
  method: 'kubernetes' | 'jwt',
  refused: PodClient['refused']
): PodClient<VaultService> => ({
  name: `hvac by auth.${method}`,
  read: program(python(method), hvacEnvironment),
  forbidden: [
    { error: 'Forbidden', text: /permission denied/ },
    { error: 'InvalidPath', text: /^None, on list / }
  ],
  refused
})

const PROGRAM = ['sh', '-c', 'cd "$PURSER_FILES" && grep "" *']

export const purserRun: PodClient = {
  name: 'purser run',
  read: async (t, { url, caFile, team }, tokenFile) => {
    const run = (prefix: string) =>
      runPurser(
        t,
        createDirectory(t),
        [
          ...['run', '--trust', team.trust, '--token-file', tokenFile],
          ...['--all-below', prefix, '--as', 'files', '--', ...PROGRAM]
        ],
        { env: { PURSER_URL: url, PURSER_CA_FILE: caFile } }
      )
    const { code, stdout, stderr } = await run(`aws:${team.group}/`)
    if (code !== 0 || stderr !== '') return { error: `exit ${code}`, text: stdout + stderr }
    const lines = stdout.trimEnd().split('\n')
    const values = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)])
    )
    const other = await run(team.forbidden.replace(/^(.*\/).*/, 'aws:$1'))
    return { values, others: { code: other.code, stdout: other.stdout } }
  },
  forbidden: { code: 125, stdout: '' },
  refused: { error: 'exit 125', text: /^purser run: no_login: The service does not take the token/ }
}

const operator: PodClient = {
  name: 'External Secrets',
  read: async (t, { vaultUrl, ca, caFile, team }, tokenFile) => {
    const cluster = {
      namespace: 'shop',
      secrets: { 'shop/token': { token: readFileSync(tokenFile, 'utf8') } },
      configMaps: { 'shop/purser-ca': { 'ca.crt': ca } }
    }
    const kubernetes = { mountPath: 'kubernetes', role: team.trust, secretRef: { name: 'token' } }
    const store = {
      apiVersion: 'external-secrets.io/v1',
      kind: 'SecretStore',
      metadata: { name: 'purser-vault' },
      spec: {
        provider: {
          vault: {
            server: vaultUrl,
            path: 'secret',
            version: 'v2',
            caProvider: { type: 'ConfigMap', name: 'purser-ca', key: 'ca.crt' },
            auth: { kubernetes }
          }
        }
      }
    }
    // It wants to know of an API server, and asks none.
    const nowhere = { url: 'https://127.0.0.1:1', caFile, adminToken: 'none' }
    const { KUBECONFIG, HOME } = administratorOf(t, nowhere)
    const get = (key: string) =>
      operate(
        cluster,
        { do: 'get', store, remoteRef: { key, property: 'value' } },
        { KUBECONFIG, HOME }
      )
    const values: Record<string, string> = {}
    for (const name of Object.keys(team.values)) {
      const { value, error } = await get(`${team.group}/${name}`)
      if (value === undefined) return { error: 'error', text: String(error) }
      values[name] = value
    }
    return { values, others: await get(team.forbidden) }
  },
  forbidden: { error: /403/ },
  refused: { error: 'error', text: /Code: 403\. Errors:\s+\* permission denied/ }
}

export const HVAC: readonly PodClient<VaultService>[] = [
  hvac('kubernetes', { error: 'Forbidden', text: /^permission denied, on post / }),
  hvac('jwt', { error: 'InvalidRequest', text: /^error validating token, on post / })
]

export const POD_CLIENTS: readonly PodClient[] = [boto3, javaScript, ...HVAC, purserRun, operator]

/** The token of a pod, as the kubelet has it there: a file without a line break at its end. */
export const tokenFileOf = (t: Test, token: string): string => {
  const file = join(createDirectory(t), 'token')
  writeFileSync(file, token)
  return file
}
