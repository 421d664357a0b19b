/** The parsers of what people and programs write: references, rules, settings, `purser.yaml`, JSON, lines of the trail. */
import { isDeepStrictEqual } from 'node:util'
import { formatAnchor, isChainLine, parseAnchor, placeOf } from '../../../src/audit/chain-line.ts'
import { recordIn } from '../../../src/audit/record.ts'
import { parseDotenv } from '../../../src/config/dotenv.ts'
import { settingsIn } from '../../../src/config/env.ts'
import { ConfigError, type ConfigFault } from '../../../src/config/fault.ts'
import { inspectConfigFile } from '../../../src/config/file.ts'
import { readImport } from '../../../src/config/hashicorp.ts'
import { asJson } from '../../../src/core/json.ts'
import { hasLossyNumber, printJson, readJson } from '../../../src/core/json-text.ts'
import { isWithin, parseNetwork } from '../../../src/core/network.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import { formatReference, parsePrefix, parseReference } from '../../../src/core/reference.ts'
import { parseUntil } from '../../../src/core/until.ts'
import { isCanonicalUri } from '../../../src/http/original-request.ts'
import { compilePolicy, createReferenceBook } from '../../../src/kinds/references.ts'
import { readVectors } from '../vectors.ts'
import { type FuzzSubject, Misread, refusedAs, TAKEN } from './subject.ts'

type Stores = Parameters<typeof createReferenceBook>[0]
const { stores } = readVectors<{ readonly stores: Stores }>('references')
const book = createReferenceBook(stores, new Map([['smtp', 'aws:acme/smtp#password']]))

const ruleOf = (error: ProblemError): string => {
  if (error.code !== 'invalid_reference') throw error
  return error.message
}

/** What a caller wrote is not repeated: no long piece of it stands in the sentence. */
const keepsQuiet = (told: string, input: string): void => {
  if (input.length > 40 && told.includes(input.slice(0, 40))) throw new Misread('repeats its input')
}

const reference: FuzzSubject = {
  name: 'reference',
  words: [
    ...['aws:', 'kv:', 'vault:', '?version=', '#', '#/', '/', '%2F', '%5C', '%', '..', ':'],
    ...[
      'arn:aws:secretsmanager:eu-west-1:123456789012:secret:',
      'projects/',
      '/secrets/',
      'latest'
    ],
    ...['@Microsoft.KeyVault(SecretUri=', 'https://', 'ref+vault://', 'k8s://', 'op:', '~1', '\\']
  ],
  outcome: (input) => {
    const told = refusedAs(
      ProblemError,
      () => {
        const read = parseReference(input, book)
        if (read === undefined) return 'leads nowhere'
        const { nativeId: _, ...plain } = read
        const again = parseReference(formatReference(read), book)
        if (!isDeepStrictEqual(again, plain)) throw new Misread('its spelling is another reference')
        return `${TAKEN} ${Object.keys(read).join(' ')} of ${read.store}`
      },
      ruleOf
    )
    const prefix = refusedAs(
      ProblemError,
      () => {
        const found = parsePrefix(input, book)
        if (found === undefined) return 'no store'
        if (found.path !== '' && !found.path.endsWith('/')) throw new Misread('half a segment')
        return 'a prefix'
      },
      ruleOf
    )
    keepsQuiet(told + prefix, input)
    return `${told}, ${prefix}`
  }
}

const PATHS = ['', 'a', 'a/b', 'acme/db', '/', '\u{1f511}/k', 'a'.repeat(300)]

const policy: FuzzSubject = {
  name: 'policy',
  words: [
    'aws:',
    'vault:',
    '*',
    '**',
    '?',
    '{a,b}',
    '{',
    '}',
    ',',
    '/',
    '#',
    '#/',
    '%2A',
    '%',
    '~0'
  ],
  outcome: (input) => {
    const told = refusedAs(Error, () => {
      const rules = [{ client: 'app', read: [input] }]
      const { decide, mayReadBelow } = compilePolicy(rules, () => 0)
      const allowed = PATHS.filter((path) => {
        const { allowed } = decide('app', 'read', { store: 'aws', path })
        if (allowed && decide('other', 'read', { store: 'aws', path }).allowed)
          throw new Misread('a rule for one client serves another')
        const start = path.slice(0, -1)
        if (allowed && path !== '' && !mayReadBelow('app', { store: 'aws', path: start }))
          throw new Misread('what may be read does not stand below its own beginning')
        return allowed
      })
      return `${TAKEN}, allows ${allowed.length}`
    })
    keepsQuiet(told, input)
    const bot = refusedAs(Error, () => {
      compilePolicy([{ client: 'app', bots: [input] }])
      return 'a bot'
    })
    return `${told}; ${bot}`
  }
}

/** Without what is the input's own: places, names and numbers. */
const sentences = (faults: readonly ConfigFault[]): string =>
  [...new Set(faults.map(({ message }) => message.replace(/\d+|"[^"]*"|^\S+ /g, '')))]
    .slice(0, 3)
    .join('; ') || TAKEN

const configuration: FuzzSubject = {
  name: 'configuration',
  words: [
    ...[
      'stores:\n',
      '  - ',
      'name: ',
      'kind: ',
      'local',
      'vault',
      'policies:\n',
      'client: ',
      'read: '
    ],
    ...[
      'secrets:\n',
      'bots:\n',
      'channels:\n',
      'delegations:\n',
      'null',
      '[]',
      '{}',
      '&a ',
      '*a',
      '!!'
    ],
    ...[
      '__proto__: ',
      'constructor: ',
      '{ env: X }',
      '{ ref: "a:b" }',
      '{ file: x }',
      '<<: ',
      '|\n',
      '%'
    ]
  ],
  outcome: (input) =>
    refusedAs(
      ConfigError,
      () => {
        const { file, faults } = inspectConfigFile(input, 'purser.yaml')
        if (faults.some(({ place }) => !place.startsWith('purser.yaml')))
          throw new Misread('a fault without its place')
        return `${sentences(faults)} (${file.stores.length} stores)`
      },
      ({ faults }) => sentences(faults)
    )
}

const settings: FuzzSubject = {
  name: 'settings',
  words: [
    ...['=', '\n', '"', "'", '`', '#', '\\n', 'export ', '\u0000', '\ufeff', 'REDIS_URL=', 'PORT='],
    ...[
      'ENCRYPTION_KEYS=',
      'TRUST_PROXY=',
      'CORS_ALLOW_ORIGINS=',
      'AUDIT_SINKS=',
      'redis://',
      'rediss+'
    ],
    ...['sentinel', 'GOOGLE_REDIRECT_URI=', 'https://', '::1', '/33', 'file!', ',', '99999999999']
  ],
  outcome: (input) => {
    const { lines, faults } = parseDotenv(input, '.env')
    // No file of this machine is read by a text that was made up.
    const given = lines.filter(({ name }) => !/_FILE(?:_PATH)?$|^ENV_FILE$/.test(name))
    const all = Object.fromEntries(given.map(({ name, value }) => [name, value]))
    const file = { path: '/nowhere/.env', label: '.env', all, lines, faults, exposed: false }
    return sentences(settingsIn(file, '/nowhere').faults)
  }
}

const JSON_MARKS = ['{', '}', '[', ']', '"', ':', ',']

const vaults: FuzzSubject = {
  name: 'vaults',
  words: [...JSON_MARKS, '"vault_address":', '"from_secret_store":', 'null', '__proto__'],
  outcome: (input) =>
    refusedAs(
      ConfigError,
      () => `${TAKEN} ${readImport({ HASHICORP_VAULT_CONFIG: input }, '/nowhere').stores.length}`,
      ({ faults }) => sentences(faults)
    )
}

const json: FuzzSubject = {
  name: 'json',
  words: [...JSON_MARKS, '\\"', '\\\\', '\\u0000', '1e400', '-0', '__proto__', ' '],
  outcome: (input) => {
    const node = readJson(input)
    const parsed = asJson(input)
    if (node === undefined) {
      if (parsed !== undefined) throw new Misread('JSON that was not read')
      return 'no JSON'
    }
    if (!isDeepStrictEqual(asJson(printJson(node)), parsed)) throw new Misread('printed anew')
    const indented = asJson(printJson(node, '  '))
    if (!isDeepStrictEqual(indented, parsed)) throw new Misread('printed anew with blanks')
    return `${TAKEN} ${typeof parsed}${hasLossyNumber(node) ? ', lossy' : ''}`
  }
}

const line: FuzzSubject = {
  name: 'audit-line',
  words: [
    '{',
    '}',
    '"time":',
    '"chain":"head"',
    ',"instance":"',
    '","seq":',
    ',"digest":"',
    ',"mac":"',
    ':'
  ],
  outcome: (input) => {
    const bytes = Buffer.from(input)
    const place = placeOf(bytes)
    if (place !== undefined && !(place.hashed < bytes.length))
      throw new Misread('hashes its digest')
    const anchor = parseAnchor(input)
    if (anchor !== undefined && formatAnchor(anchor) !== input) throw new Misread('another anchor')
    const record = recordIn(input)
    const found = [place && 'place', anchor && 'anchor', record && 'record']
    const what = found.filter((one) => one !== undefined).join(' ')
    return `${what && `${TAKEN} ${what}`}${isChainLine(bytes) ? ' of the chain' : ''}`
  }
}

const small: FuzzSubject = {
  name: 'words',
  words: [
    '10.',
    '::',
    '/',
    '/32',
    'ffff:',
    '1.2.3.4',
    '2027-01-31',
    'T18:00:00Z',
    '+',
    '%2e',
    '%',
    '?',
    '//'
  ],
  outcome: (input) => {
    const network = parseNetwork(input)
    if (network !== undefined && !isWithin(network, network)) throw new Misread('not within itself')
    const until = parseUntil(input)
    if (until !== undefined && !Number.isFinite(until)) throw new Misread('an end that is no time')
    const found = [
      network && `a network of ${input.includes(':') ? 6 : 4}`,
      until !== undefined && 'an end',
      isCanonicalUri(input) && 'a URI'
    ]
    const what = found.filter(Boolean).join(', ')
    return what && `${TAKEN}: ${what}`
  }
}

export const textSubjects = [
  ...[reference, policy, configuration, settings, vaults, json, line, small]
] as const
