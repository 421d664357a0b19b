/**
 * Names among the settings that are not ours. Rule: what is probably one of ours, misspelt, is a fault; what operators
 * bring from the systems that Purser serves is taken or answered with our name for it; all else is somebody else's and
 * not judged.
 */
import { type EnvFile, variablesOf } from './env.ts'
import type { ConfigFault } from './fault.ts'
import { settingNames } from './settings.ts'

/** Letters to be put in, taken out, replaced or exchanged with their neighbours (Damerau and Levenshtein). */
export const distance = (a: string, b: string): number => {
  const far = a.length + b.length
  const last = new Map<string, number>()
  const rows: number[][] = [Array(b.length + 2).fill(far)]
  const at = (i: number, j: number): number => rows[i]?.[j] ?? far
  rows.push([far, ...Array(b.length + 1).keys()])
  for (let i = 1; i <= a.length; i++) {
    rows.push([far, i])
    let match = 0
    for (let j = 1; j <= b.length; j++) {
      const row = last.get(b.charAt(j - 1)) ?? 0
      const column = match
      const isSame = a[i - 1] === b[j - 1]
      if (isSame) match = j
      const exchanged = at(row, column) + (i - row - 1) + 1 + (j - column - 1)
      const replaced = at(i, j) + (isSame ? 0 : 1)
      rows[i + 1]?.push(Math.min(replaced, at(i + 1, j) + 1, at(i, j + 1) + 1, exchanged))
    }
    last.set(a.charAt(i - 1), i)
  }
  return at(a.length + 1, b.length + 1)
}

/** How many typing errors are assumed: in a short name one, since two make another word of it (TEST, ROOT, PGHOST). */
const slipsIn = (ours: string): number => (ours.length > 5 ? 2 : 1)

const OURS: readonly string[] = settingNames.flatMap(variablesOf)
const KNOWN: ReadonlySet<string> = new Set(OURS)

/** Of SDKs, of OpenSSL and of the system. */
const THEIRS =
  /^(AWS|AZURE|GOOGLE|GCLOUD|CLOUDSDK|KUBERNETES|VAULT|BAO|OTEL|NODE|NPM|SSL)_|^(KUBECONFIG|HOME)$/

/** What operators of the systems that Purser serves know, and what to say of it. */
const BROUGHT: readonly (readonly [RegExp, string])[] = [
  [/^MAX_UPLOAD_SIZE_MB$/, 'BODY_LIMIT_KB is the largest request here'],
  [
    /^ALLOW_ADMIN_ENV_WRITE$/,
    'ALLOW_ADMIN_WRITE is for what administrators may change here; nobody changes this file over HTTP'
  ],
  [/^ENABLE_INGEST_URL$/, 'there is no such route here, and no request chooses an address'],
  [/^QUERIES_LOG_/, 'the audit trail is kept for AUDIT_RETENTION_DAYS here'],
  [/^LLM_CREDENTIALS_ENC_KEY$/, 'ENCRYPTION_KEYS seal what is kept here'],
  [/^HOST_API_PORT$/, 'PORT is the port here']
]

const placeOfLine = ({ label, lines }: EnvFile, name: string): string => {
  const found = lines.findLast((line) => line.name === name && line.value !== '')
  return found === undefined ? name : `${label}:${found.line}`
}

/** Lines of the file that are one of our settings but for a slip. `used` are names that stores look for. */
export const misspelt = ({ label, lines }: EnvFile, used: ReadonlySet<string>): ConfigFault[] =>
  lines.flatMap(({ name, line, value }) => {
    const place = `${label}:${line}`
    if (name === 'ENV_FILE' && value !== '') {
      const message = 'ENV_FILE has no effect in the file that it names: set it in the environment'
      return [{ place, message }]
    }
    if (KNOWN.has(name) || used.has(name) || THEIRS.test(name)) return []
    const upper = name.toUpperCase()
    const meant = OURS.filter((ours) => Math.abs(ours.length - upper.length) <= slipsIn(ours))
      .map((ours) => ({ ours, slips: distance(upper, ours) }))
      .filter(({ ours, slips }) => slips <= slipsIn(ours))
      .sort((a, b) => a.slips - b.slips)[0]
    return meant === undefined
      ? []
      : [{ place, message: `${name} is no setting: is ${meant.ours} meant?` }]
  })

const isSet = ({ all }: EnvFile, name: string): boolean => (all[name] ?? '') !== ''

const note = (file: EnvFile, name: string, message: string): ConfigFault => {
  const place = placeOfLine(file, name)
  return { place, message: place === name ? message : `${name} ${message}` }
}

/** Settings that are taken under the name that another system has for them. */
export const takenNames = (file: EnvFile): ConfigFault[] =>
  settingNames.flatMap((setting) =>
    variablesOf(setting)
      .filter((name) => !name.startsWith(setting) && isSet(file, name))
      .map((name) =>
        note(file, name, `is taken as ${setting}${name.endsWith('_FILE') ? '_FILE' : ''}`)
      )
  )

/** What is taken under another name, and what is known and steers nothing. */
export const notesOn = (file: EnvFile): ConfigFault[] => {
  const idle = Object.keys(file.all)
    .filter((name) => isSet(file, name))
    .flatMap((name) => {
      const answer = BROUGHT.find(([pattern]) => pattern.test(name))?.[1]
      return answer === undefined ? [] : [note(file, name, `steers nothing here: ${answer}`)]
    })
  return [...takenNames(file), ...idle]
}
