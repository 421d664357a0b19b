// Each block of the documentation is tried as it stands: commands against a service that runs, configurations by the check
// that a start makes, JSON by the schema of what it is. None is left out in silence.
import { spawnSync } from 'node:child_process'
import { test } from 'tap'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse, parseAllDocuments } from 'yaml'
import { parseConsumers } from '../../src/config/consumers.ts'
import { Report } from '../../src/core/doctor-report.ts'
import { BotAnswer } from '../../src/http/routes/bots-schemas.ts'
import { TokenAnswer } from '../../src/http/routes/channels-schemas.ts'
import { EncryptionKeysAnswer } from '../../src/http/routes/keys-schemas.ts'
import { Problem, SecretAnswer } from '../../src/http/schemas.ts'
import { parseConfigFile } from '../support/config-file.ts'
import {
  type Block,
  blocksIn,
  documentation,
  LOOKED_AT,
  splitCommands
} from '../support/doc-blocks.ts'
import { syntaxOf, where } from '../support/doc-run.ts'

const blocks = documentation()
const of = (...languages: string[]): Block[] =>
  blocks.filter(({ language }) => languages.includes(language))

test('every block has a language that is tried or listed with the reason why not', async (t) => {
  t.ok(blocks.length > 60)
  for (const block of blocks) {
    const tried = ['sh', 'bash', 'console', 'yaml', 'json', 'js'].includes(block.language)
    t.ok(tried || LOOKED_AT.has(block.language), `${where(block)}: ${block.language}`)
  }
})

test('a block is found wherever it stands, and a command is run unless it is listed', async (t) => {
  const found = blocksIn('a.md', 'x\n\n```sh\na\n```\n\n1. y\n\n   ```json\n   {}\n   ```\n')
  t.same(
    found.map(({ line, language, text }) => [line, language, text]),
    [
      [3, 'sh', 'a\n'],
      [9, 'json', '{}\n']
    ]
  )
  const { run, notRun } = splitCommands('purser x\naws s3 ls \\\n  --y\ncurl z | az')
  t.equal(run, 'purser x\ncurl z | az')
  t.same(notRun, [['aws s3 ls \\\n  --y', 'asks AWS']])
})

const isJobOfGitLab = (job: unknown): boolean =>
  typeof job === 'object' && job !== null && 'id_tokens' in job && 'script' in job

const LOCAL = 'stores: [{ name: local, kind: local }]\n'

test('every YAML is what it is shown as: a configuration that passes the check, clients, objects of Kubernetes, or Prometheus’s', async (t) => {
  for (const block of of('yaml')) {
    const documents = parseAllDocuments(block.text)
    t.same(
      documents.flatMap(({ errors }) => errors.map(({ message }) => message)),
      [],
      where(block)
    )
    const members = new Set(documents.flatMap((one) => Object.keys(one.toJSON() ?? {})))
    if (members.has('apiVersion')) {
      for (const one of documents)
        t.match(one.toJSON(), { kind: String, metadata: Object }, where(block))
    } else if (members.has('bases')) {
      t.pass(`${where(block)}: network-policies.test.ts renders it`)
    } else if (members.has('jobs')) {
      const { jobs } = parse(block.text)
      for (const job of Object.values(jobs))
        t.match(job, { 'runs-on': String, steps: Array }, where(block))
    } else if (Object.values(parse(block.text) ?? {}).some((job) => isJobOfGitLab(job))) {
      t.pass(`${where(block)}: a job of GitLab`)
    } else if (members.has('scrape_configs')) {
      t.match(documents[0]?.toJSON(), { scrape_configs: [{ metrics_path: '/internal/metrics' }] })
    } else if (members.has('clients')) {
      const defaults = { environment: 'pro', minimumVersion: '8.3.0', maxDays: 0 } as const
      t.doesNotThrow(() => parseConsumers(block.text, where(block), defaults), where(block))
    } else if (
      members.has('stringData') ||
      members.has('tasks') ||
      members.has('hosts') ||
      Array.isArray(parse(block.text))
    ) {
      t.pass(`${where(block)}: a part of a manifest or of Ansible, parsed`)
    } else {
      const text = members.has('stores') ? block.text : LOCAL + block.text
      t.doesNotThrow(() => parseConfigFile(text, where(block)), where(block))
    }
  }
})

/** By a member that tells what it is: the schema. */
const KINDS = [
  [
    'Statement',
    Type.Object({
      Version: Type.Literal('2012-10-17'),
      Statement: Type.Array(
        Type.Object({
          Effect: Type.Literal('Allow'),
          Action: Type.Unknown(),
          Resource: Type.Unknown()
        }),
        { minItems: 1 }
      )
    })
  ],
  ['DataActions', Type.Object({ Name: Type.String(), DataActions: Type.Array(Type.String()) })],
  [
    'source',
    Type.Object({ source: Type.Array(Type.String()), 'detail-type': Type.Array(Type.String()) })
  ],
  ['encryptionKeys', EncryptionKeysAnswer],
  ['conversationId', TokenAnswer],
  ['counts', Report],
  ['results', Type.Partial(BotAnswer)],
  ['code', Type.Partial(Problem)],
  ['fetchedAt', SecretAnswer]
] as const

test('every JSON is valid, and what it is shown as', async (t) => {
  for (const block of of('json')) {
    // A member alone, to stand in an object of somebody's.
    const text = block.text.startsWith('"') ? `{${block.text}}` : block.text
    const value = JSON.parse(text.replaceAll('"…"', '"2026-01-01T00:00:00.000Z"'))
    const [, schema] = KINDS.find(([member]) => member in value) ?? []
    if (schema !== undefined) t.same([...Value.Errors(schema, value)], [], where(block))
    else t.match(Object.keys(value).join(), /credentials/, `${where(block)}: a bot or a provider`)
  }
})

test('every script has the syntax of its language', async (t) => {
  for (const block of of('sh', 'bash')) t.equal(syntaxOf(block.text).stderr, '', where(block))
  for (const block of of('js')) {
    const input = `export const block = async () => {\n${block.text}\n}`
    const { stderr } = spawnSync('node', ['--input-type=module', '--check'], {
      input,
      encoding: 'utf8'
    })
    t.equal(stderr, '', where(block))
  }
})

test('what is not run has a reason, and what is left of its block has syntax', async (t) => {
  for (const block of of('sh', 'bash')) {
    for (const [command, reason] of splitCommands(block.text).notRun) {
      t.ok(reason, `${where(block)}: ${command}`)
    }
  }
})
