/**
 * Puts the secrets of secrets.yaml into AWS Secrets Manager: random values, tagged for Purser. Rule: what is there already
 * keeps its value, so that a second run has nothing to do and a broken one can be run again.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import {
  CreateSecretCommand,
  paginateListSecrets,
  ResourceExistsException,
  SecretsManagerClient,
  TagResourceCommand
} from '@aws-sdk/client-secrets-manager'
import { parse } from 'yaml'

const HELP = `Usage: node examples/aos-edge/seed.mjs [options]

Creates the secrets of AOS Edge as <project>-<env>-<group>/<Name>, with random values and the tag purser-read=true. A secret
that exists keeps its value and its key, and is tagged if it is not. No value is ever printed.

  --project <name>       default: acme
  --environment <name>   default: pro
  --region <region>      default: eu-west-1
  --group <name>         this group only; may be repeated (AWS bills each secret: all of them are 293)
  --kms-key <id>         encrypt new secrets under this KMS key (id, ARN or alias/<name>), not aws/secretsmanager
  --dry-run              look, say what would be done, and change nothing
  --help

Credentials come from where the AWS SDK looks for them. AWS_ENDPOINT_URL_SECRETS_MANAGER leads to another endpoint, e.g.
http://127.0.0.1:5000 for moto.

Example:
  $ node examples/aos-edge/seed.mjs --kms-key alias/acme-pro-key --group grafana --dry-run
`

const TAG = { Key: 'purser-read', Value: 'true' }

class UsageError extends Error {}

const readOptions = () => {
  const text = (fallback) => ({ type: 'string', default: fallback })
  try {
    return parseArgs({
      options: {
        project: text('acme'),
        environment: text('pro'),
        region: text('eu-west-1'),
        group: { type: 'string', multiple: true },
        'kms-key': { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    }).values
  } catch (error) {
    throw new UsageError(error.message)
  }
}

/** The names to create, in the list's order. */
const namesOf = ({ project, environment, group: chosen }) => {
  for (const [option, value] of Object.entries({ project, environment })) {
    if (!/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(value)) {
      throw new UsageError(`--${option} has letters, digits and hyphens only`)
    }
  }
  const list = parse(readFileSync(new URL('secrets.yaml', import.meta.url), 'utf8'))
  const groups = new Map(Object.entries(list.groups))
  const unknown = chosen?.find((name) => !groups.has(name))
  if (unknown !== undefined) {
    throw new UsageError(`no group ${unknown}; there are ${[...groups.keys()].join(', ')}`)
  }
  const paths = (chosen ?? [...groups.keys()]).flatMap((group) =>
    groups.get(group).map((name) => `${group}/${name}`)
  )
  const all = chosen === undefined ? [...paths, ...list.ungrouped] : paths
  return [...new Set(all)].map((path) => `${project}-${environment}-${path}`)
}

/** What is in AWS below that beginning, by name. */
const listExisting = async (client, beginning) => {
  const existing = new Map()
  const request = {
    Filters: [{ Key: 'name', Values: [beginning] }],
    IncludePlannedDeletion: true
  }
  for await (const page of paginateListSecrets({ client, pageSize: 100 }, request)) {
    for (const secret of page.SecretList) existing.set(secret.Name, secret)
  }
  return existing
}

const isTagged = ({ Tags = [] }) =>
  Tags.some(({ Key, Value }) => Key === TAG.Key && Value === TAG.Value)

const toDo = (secret) => {
  if (secret === undefined) return 'create'
  return isTagged(secret) ? 'keep' : 'tag'
}

const tag = (client, name) => client.send(new TagResourceCommand({ SecretId: name, Tags: [TAG] }))

const create = async (client, name, kmsKey) => {
  const request = {
    Name: name,
    SecretString: randomBytes(24).toString('base64url'),
    Tags: [TAG],
    ...(kmsKey !== undefined && { KmsKeyId: kmsKey })
  }
  try {
    await client.send(new CreateSecretCommand(request))
  } catch (error) {
    // A list of AWS may be some minutes behind: the secret is there after all.
    if (!(error instanceof ResourceExistsException)) throw error
    await tag(client, name)
  }
}

const say = (line) => process.stdout.write(`${line}\n`)

const seed = async () => {
  const options = readOptions()
  if (options.help) return say(HELP.trimEnd())
  const names = namesOf(options)
  const client = new SecretsManagerClient({
    region: options.region,
    maxAttempts: 5,
    requestHandler: {
      connectionTimeout: 2_000,
      requestTimeout: 10_000,
      throwOnRequestTimeout: true
    }
  })
  const existing = await listExisting(client, `${options.project}-${options.environment}-`)
  const doomed = names.filter((name) => existing.get(name)?.DeletedDate !== undefined)
  if (doomed.length > 0) {
    throw new Error(`scheduled for deletion, restore them first: ${doomed.join(', ')}`)
  }
  const counts = { create: 0, tag: 0, keep: 0 }
  for (const name of names) {
    const action = toDo(existing.get(name))
    if (!options['dry-run']) {
      if (action === 'create') await create(client, name, options['kms-key'])
      if (action === 'tag') await tag(client, name)
    }
    if (action !== 'keep') say(`${action.padEnd(6)} ${name}`)
    counts[action] += 1
  }
  const done = `${counts.create} created, ${counts.tag} tagged, ${counts.keep} left as they were`
  say(
    `${names.length} secrets: ${done}${options['dry-run'] ? ' (dry run: nothing was changed)' : ''}`
  )
}

try {
  await seed()
} catch (error) {
  const isUsage = error instanceof UsageError
  process.stderr.write(`seed: ${error.message}${isUsage ? '\nTry --help.' : ''}\n`)
  process.exitCode = isUsage ? 2 : 1
}
