/**
 * The fenced blocks of the documentation, and what becomes of each. Rule: a block is run or checked, or stands here with
 * the reason why only its syntax is looked at.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Block {
  readonly file: string
  readonly line: number
  /** As it stands behind the fence. */
  readonly language: string
  readonly text: string
}

const FENCED = /^( *)```([^\n`]*)\n(.*?)^\1``` *$/gms

export const blocksIn = (file: string, text: string): Block[] =>
  [...text.matchAll(FENCED)].map(({ index, 1: indent = '', 2: language = '', 3: body = '' }) => ({
    file,
    line: text.slice(0, index).split('\n').length,
    language,
    text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
  }))

/** README.md and every page below docs/ and examples/. */
export const documentation = (): Block[] => {
  const below = ['docs', 'examples'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md'))
      .map((path) => join(folder, path))
      .sort()
  )
  return ['README.md', ...below].flatMap((file) => blocksIn(file, readFileSync(file, 'utf8')))
}

/** Languages that are looked at by eye. */
export const LOOKED_AT: ReadonlyMap<string, string> = new Map([
  ['', 'a drawing, or what a stream says'],
  ['text', 'a drawing, or what a stream says'],
  ['ini', 'a profile of AWS: container-credentials.test.ts logs in by it'],
  ['hcl', 'Terraform and policies of Vault have no parser here'],
  ['nginx', 'a part of a configuration: authorize-real-proxies.test.ts runs a whole one'],
  ['html', 'a page: channels-direct-line-client.test.ts has its client'],
  ['dockerfile', 'needs a daemon']
])

/** Commands that are not run here, and why. The lines around them are, if they make sense without. */
const NOT_RUN: readonly (readonly [command: RegExp, reason: string])[] = [
  [/(?:^|[|;&(] *)aws [a-z]/, 'asks AWS'],
  [/(?:^|[|;&($] *)az [a-z]|\$SUBSCRIPTION/, 'asks Azure'],
  [/(?:^|[|;&($] *)gcloud [a-z]/, 'asks Google Cloud'],
  [/(?:^|[|;&($] *)kubectl /, 'asks a cluster'],
  [/(?:^|[|;&($] *)op [a-z]|\/\/connect\.internal/, 'asks 1Password'],
  [/(?:^|[|;&($] *)(?:vault|bao) [a-z]/, 'asks a Vault: vault.test.ts does'],
  [
    /\b(?:terraform|docker|ansible|ansible-vault|ansible-playbook|helm|az|jq) /,
    'is not on this machine'
  ],
  [/\bnginx -/, 'has fixed ports: authorize-real-proxies.test.ts runs the sample'],
  [/127\.0\.0\.1:808\d|\/tmp\/forward-auth|createServer/, 'is behind that nginx'],
  [
    /\bnpm (?:ci|start|test|run (?:build|peers|bench|docs|check))\b/,
    'installs or builds: quickstart.test.ts starts what it makes'
  ],
  [/\bnpm run soak\b/, 'takes minutes: soak.test.ts has a short one'],
  [/moto_server|AWS_ENDPOINT_URL|seed\.mjs/, 'asks AWS: aos-edge.test.ts does, on moto'],
  [
    /purser init\b|cp examples\//,
    'writes the configuration that serves here: init and quickstart have tests'
  ],
  [
    /direct-line\/server\.mjs/,
    'goes on until it is stopped: channels-direct-line-example.test.ts starts it'
  ],
  [/127\.0\.0\.1:2773/, 'is a door: aws-agent.test.ts asks it'],
  [/store migrate/, 'needs a Redis: redis-migrate.test.ts has one'],
  [
    /purser login\b|\/v1\/auth\/token\b|urn:ietf:params:oauth|subject_token/,
    'needs a token: login.test.ts has some'
  ],
  [/purser run .*(?:--watch|--token-file)/, 'goes on until it is stopped: run-watch.test.ts'],
  [/purser policy diff\b/, 'needs a second purser.yaml: policy-diff.test.ts'],
  [/purser (?:backup|restore)\b/, 'needs a state, and a folder without one: backup.test.ts'],
  [/purser audit\b/, 'needs a trail with records, or goes on until it is stopped: audit.test.ts'],
  [/purser resolve (?!local:)/, 'asks a store']
]

export interface Split {
  readonly run: string
  /** Command and reason. */
  readonly notRun: readonly (readonly [command: string, reason: string])[]
}

/** Divides the commands of a block by whether they are run. A command may go over several lines. */
export const splitCommands = (text: string): Split => {
  const run: string[] = []
  const notRun: [string, string][] = []
  for (const command of text.replaceAll('\\\n', '\\\r').split('\n')) {
    const whole = command.replaceAll('\r', '\n')
    const [, reason] = NOT_RUN.find(([pattern]) => pattern.test(command.trim())) ?? []
    if (reason === undefined) run.push(whole)
    else notRun.push([whole, reason])
  }
  return { run: run.join('\n'), notRun }
}
