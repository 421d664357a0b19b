/** What the Dockerfile promises, line by line: the numbers are those of the CIS Docker benchmark. */
import { readFileSync } from 'node:fs'
import { test } from 'tap'

interface Instruction {
  readonly name: string
  readonly rest: string
}

/** Each stage of a Dockerfile as its instructions, comments left out and continued lines joined. */
const parseStages = (text: string): Instruction[][] => {
  const stages: Instruction[][] = []
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
  for (const line of lines.filter((line) => line.trim() !== '')) {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    if (name === 'FROM') stages.push([])
    stages.at(-1)?.push({ name, rest })
  }
  return stages
}

const dockerfile = readFileSync('Dockerfile', 'utf8')
const stages = parseStages(dockerfile)
const every = stages.flat()
const final = stages.at(-1) ?? []
const all = (instructions: Instruction[], name: string): string[] =>
  instructions.filter((instruction) => instruction.name === name).map(({ rest }) => rest)
const only = (name: string): string => {
  const [value = '', ...more] = all(final, name)
  return more.length === 0 ? value : `${name} is there more than once`
}

test('the image runs as a numeric user without rights (4.1)', async (t) => {
  t.equal(only('USER'), '65532:65532')
  const afterUser = final.slice(final.findIndex(({ name }) => name === 'USER'))
  t.strictSame(all(afterUser, 'RUN').concat(all(afterUser, 'COPY')), [])
})

test('the base is one official image of an exact minor version, the same for every stage (4.2)', async (t) => {
  const [base, ...others] = all(every, 'FROM')
  t.match(base, /^docker\.io\/library\/node:\d+\.\d+-bookworm-slim(@sha256:[0-9a-f]{64})? AS base$/)
  t.ok(others.length > 0 && others.every((from) => from === 'base' || from.startsWith('base AS ')))
})

test('no package is installed from a distribution, and npm does not stay in the image (4.3, 4.7)', async (t) => {
  t.notMatch(dockerfile, /\b(apt|apt-get|apk|dpkg|curl|wget)\b/)
  const run = all(final, 'RUN').join(' ')
  t.match(run, /rm -rf .*\/usr\/local\/lib\/node_modules\b/)
  t.match(run, /rm -rf .*\/usr\/local\/bin\/npm\b/)
})

test('the image says how to ask whether it is healthy, within a time (4.6)', async (t) => {
  const health = only('HEALTHCHECK')
  t.match(health, /--timeout=\d+s/)
  const command: unknown = JSON.parse(health.slice(health.indexOf('CMD') + 3))
  t.match(command, ['node', '-e', /\$\{process\.env\.PORT\}\/livez`.*AbortSignal\.timeout\(3000\)/])
})

test('no file of the image is setuid or setgid (4.8)', async (t) => {
  t.match(all(final, 'RUN').join(' '), 'find / -xdev -type f -perm /6000 -exec chmod a-s {} +')
})

test('files are copied, never added (4.9)', async (t) => {
  t.strictSame(all(every, 'ADD'), [])
})

test('nothing secret is built in (4.10)', async (t) => {
  t.strictSame(all(every, 'ARG'), [])
  const names = all(every, 'ENV').flatMap((rest) => rest.match(/\w+(?==)/g) ?? [])
  t.strictSame(names, ['NODE_ENV', 'PORT', 'DATA_DIR', 'CONFIG_FILE'])
})

test('packages come from the lockfile, and none of them runs a script', async (t) => {
  const installs = all(every, 'RUN').filter((run) => run.startsWith('npm '))
  t.strictSame(installs, [
    'npm ci --omit=dev --ignore-scripts',
    'npm ci --ignore-scripts',
    'npm run build -- --sourceMap false'
  ])
})

/** Of the stage that is named so. */
const stageOf = (name: string): Instruction[] =>
  stages.find((stage) => stage[0]?.rest === `base AS ${name}`) ?? []

test('the application is one layer, whose bytes hang on no umask', async (t) => {
  t.strictSame(all(final, 'COPY'), ['--from=program /app ./'])
  t.strictSame(all(stageOf('program'), 'RUN'), ['chmod -R u=rwX,go=rX .'])
})

test('the image holds the program, its production dependencies and the API description', async (t) => {
  t.strictSame(all(stageOf('program'), 'COPY'), [
    '--from=dependencies /app/node_modules ./node_modules',
    '--from=build /app/build/src ./build/src',
    '--from=build /app/build/console ./build/console',
    'package.json openapi.yaml ./'
  ])
  t.strictSame(all(stageOf('dependencies'), 'RUN'), ['npm ci --omit=dev --ignore-scripts'])
})

test('it listens where Purser does by default, so that who publishes it decides', async (t) => {
  t.notMatch(all(every, 'ENV').join(' '), 'HOST')
  t.match(only('ENV'), /\bPORT=8700\b/)
  t.equal(only('EXPOSE'), '8700')
})

test('what it writes goes to a volume of its own user', async (t) => {
  t.equal(only('VOLUME'), '/data')
  t.match(only('ENV'), /\bDATA_DIR=\/data\b/)
  t.match(all(final, 'RUN').join(' '), 'install -d -o 65532 -g 65532 -m 700 /data')
})

test('it serves as process 1 without a shell, hardened, and is asked to stop with SIGTERM', async (t) => {
  t.equal(all(every, 'WORKDIR')[0], '/app')
  t.strictSame(JSON.parse(only('ENTRYPOINT')), [
    'node',
    '--disable-proto=delete',
    '--',
    'build/src/cli/image.js'
  ])
  t.strictSame(JSON.parse(only('CMD')), ['serve'])
  t.equal(only('STOPSIGNAL'), 'SIGTERM')
})

test('a builder is sent the named files only, never an .env', async (t) => {
  const lines = readFileSync('.dockerignore', 'utf8').split('\n')
  const rules = lines.filter((line) => line !== '' && !line.startsWith('#'))
  t.strictSame(rules, [
    '**',
    '!package.json',
    '!package-lock.json',
    '!.npmrc',
    '!tsconfig.json',
    '!openapi.yaml',
    '!src/**',
    '!page/**'
  ])
})
