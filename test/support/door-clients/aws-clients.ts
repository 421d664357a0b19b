/** Clients of AWS Secrets Manager. Rule: each is told where to ask, and as whom, by its environment alone. */
import { resolve } from 'node:path'
import { isInstalled, programOf } from '../peers.ts'
import type { AwsCredentials } from '../sigv4.ts'
import { openAws, openPurser } from './aws-worlds.ts'
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

/** The lines that a user sets. The credentials stand in the place's token. */
export const environmentOf = ({
  url,
  token
}: Pick<Place, 'url' | 'token'>): Readonly<Record<string, string>> => {
  const { accessKeyId, secretAccessKey, sessionToken } = JSON.parse(token) as AwsCredentials
  return {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken
  }
}

type Doing = 'read' | 'list' | 'write'

const doing = (one: Case): Doing => (one === 'list' || one === 'write' ? one : 'read')

const repeating = (wasRepeated: boolean): string => (wasRepeated ? ', after repeating' : '')

/** What a program of ours prints. */
const outcomeOf = ({ code: status, out, err }: Ran): Outcome => {
  if (status !== 0) return { kind: `exit ${status}`, text: plain(err).slice(-200) }
  const { value, error, code, repeated, message = '' } = JSON.parse(out)
  if (error === undefined) return gives(value)
  const name = code === undefined || error.endsWith(code) ? error : `${error} ${code}`
  return { kind: name + repeating(repeated), text: plain(message) }
}

const PYTHON = resolve('test/support/door-clients/aws_client.py')

const python = (name: string, client: string, operations: readonly Doing[]): DoorClient => ({
  name,
  available: () => isInstalled('aws-clients'),
  ask: async (one, place) => {
    const does = doing(one)
    if (!operations.includes(does)) return undefined
    const program = programOf('aws-clients') ?? ''
    const env = environmentOf(place)
    return outcomeOf(await runProgram(program, [PYTHON, client, does, place.path], { env }))
  }
})

const javaScript: DoorClient = {
  name: 'AWS SDK for JavaScript 3.1162.0',
  available: async () => true,
  ask: async (one, place) => {
    const program = resolve('build/test/support/door-clients/aws-js-client.js')
    const env = environmentOf(place)
    return outcomeOf(await runProgram(process.execPath, [program, doing(one), place.path], { env }))
  }
}

const COMMANDS: Readonly<Record<Doing, (secret: string) => readonly string[]>> = {
  read: (secret) => ['get-secret-value', '--secret-id', secret, '--query', 'SecretString'],
  list: (secret) => [
    'list-secrets',
    '--filters',
    `Key=name,Values=${secret}`,
    '--query',
    'sort(SecretList[].Name)'
  ],
  write: (secret) => [
    'put-secret-value',
    '--secret-id',
    secret,
    '--secret-string',
    'by the command',
    '--query',
    'length(VersionId) >= `32`'
  ]
}

const CODE = /\((\w+)\) when calling the \w+ operation(?: \(reached max retries: \d+\))?: ?(.*)/s

const command: DoorClient = {
  name: 'aws-cli 1.46.3',
  available: () => isInstalled('aws-clients'),
  ask: async (one, place) => {
    const operation = COMMANDS[doing(one)](place.path)
    const { code, out, err } = await runProgram(
      programOf('aws-clients') ?? '',
      ['-m', 'awscli', 'secretsmanager', ...operation, '--output', 'json'],
      { env: environmentOf(place) }
    )
    if (code === 0) return gives(JSON.parse(out))
    const [said = '', name = '', text = plain(err)] = CODE.exec(err) ?? []
    const repeated = repeating(said.includes('reached max retries'))
    return { kind: `exit ${code} ${name}${repeated}`, text: plain(text) }
  }
}

export const AWS_CLIENTS: readonly DoorClient[] = [
  python('boto3 1.44.5', 'boto3', ['read', 'list', 'write']),
  javaScript,
  command,
  python('aws-secretsmanager-caching 1.2.0 (Python)', 'caching', ['read']),
  python('Powertools for AWS Lambda 3.37.0 (Python)', 'powertools', ['read', 'write'])
]

export const AWS: ClientsOfDoor = {
  door: 'aws',
  product: 'moto 5.2.5; from *forbidden* on, the answer that AWS documents',
  clients: AWS_CLIENTS,
  needs: () => isInstalled('aws-clients', 'moto'),
  openDoor: openPurser,
  openProduct: openAws
}
