/** Checks of the secrets among the settings. Rule: a finding names where a secret stands, and nothing of it. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { credentialsIn } from '../../config/config.ts'
import { variablesOf } from '../../config/env.ts'
import { encryptionKeys, longSecrets } from '../../config/setting-parsers.ts'
import { type SettingName, settingNames, settingOf } from '../../config/settings.ts'
import { guessabilityOf } from '../../config/strength.ts'
import { REUSED } from '../../config/together.ts'
import { wordOfFile } from '../../core/file-text.ts'
import { readFileBytesSync } from '../../files/read.ts'
import { type Check, fail, failInEarnest, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'

interface Held {
  /** What it is called in a finding. */
  readonly place: string
  readonly text: string
}

/** Settings whose secrets are drawn here, and not given by somebody else. */
const OURS: ReadonlySet<SettingName> = new Set(
  settingNames.filter((name) => {
    const { parse } = settingOf(name)
    return parse === longSecrets || parse === encryptionKeys
  })
)

const ofRedis = ({ settings: { REDIS_URL } }: Installation): Held[] => {
  const sentinel = REDIS_URL?.kind === 'sentinel' ? REDIS_URL.sentinelPassword : undefined
  return [
    { place: 'REDIS_URL', text: REDIS_URL?.password ?? '' },
    { place: 'REDIS_URL (sentinelPassword)', text: sentinel ?? '' }
  ].filter(({ text }) => text !== '')
}

/** Of texts that are lists, each; a JSON is none of them. */
const ofSettings = ({ settings }: Installation): Held[] =>
  settingNames
    .filter((name) => settingOf(name).secret === true)
    .flatMap((name) =>
      [settings[name] as unknown]
        .flat()
        .filter((text) => typeof text === 'string' && !/^\s*[[{]/.test(text))
        .map((text) => ({ place: name, text: text as string }))
    )

const fileText = (path: string): string => {
  try {
    return wordOfFile(readFileBytesSync(path))
  } catch {
    return ''
  }
}

const ofStores = ({ config, folder }: Installation): Held[] => {
  if (config === undefined) return []
  const credential = credentialsIn(config, config.environ)
  return config.placed
    .filter(({ subject }) => !/File$|roleId$/.test(subject))
    .map(({ store, subject, where: { env, file } }) => ({
      place: `${subject} of the store ${store}`,
      text: env !== undefined ? (credential(env) ?? '') : fileText(resolve(folder, file ?? ''))
    }))
    .filter(({ text }) => text !== '')
}

/** What a start says of it is not said again. A store's credential may well serve two stores. */
const reused = (on: Installation): string[] => {
  const settings = [...ofSettings(on), ...ofRedis(on)]
  const all = [...settings, ...ofStores(on)]
  const isTold = on.faults.some(({ message }) => message === REUSED)
  const isOurs = ({ place }: Held): boolean => OURS.has(place as SettingName)
  return settings.flatMap((one, at) => {
    const again = all
      .slice(at + 1)
      .find((other) => other.text === one.text && !(isTold && isOurs(one) && isOurs(other)))
    return again === undefined ? [] : [`${one.place} and ${again.place}`]
  })
}

const guessable = (held: readonly Held[]): { place: string; why: string }[] =>
  held.flatMap(({ place, text }) => {
    const why = guessabilityOf(text)
    return why === undefined ? [] : [{ place, why }]
  })

const SHORTEST_PASSWORD = 16
const DAY_MS = 86_400_000
/** A year of use is what NIST SP 800-57 part 1 (5.3.6) calls the order of a symmetric key's time. */
const OLD_DAYS = 365

/** A key is at least as old as the file that it stands in. */
const fileAgeDays = (on: Installation): number => {
  const { envFile, folder, now } = on
  const place = variablesOf('ENCRYPTION_KEYS')
    .filter((name) => name.endsWith('_FILE'))
    .map((name) => envFile.all[name] ?? '')
    .find((file) => file !== '')
  const inEnvFile = envFile.lines.some(
    ({ name, value }) => value !== '' && variablesOf('ENCRYPTION_KEYS').includes(name)
  )
  if (place === undefined && !inEnvFile) return 0
  try {
    const file = place === undefined ? envFile.path : resolve(folder, place)
    return (now - statSync(file).mtimeMs) / DAY_MS
  } catch {
    return 0
  }
}

/** By when the first API key under the active one was seen. */
const useAgeDays = async ({ peers, now }: Installation): Promise<number> => {
  const kept = await peers.kept().catch(() => undefined)
  const active = kept?.encryptionKeys.find((one) => one.active)
  return active?.firstSeen === undefined ? 0 : (now - Date.parse(active.firstSeen)) / DAY_MS
}

export const secretsChecks: readonly Check[] = [
  {
    id: 'secrets-strong',
    title: 'no secret is missing, a default or easy to guess',
    places: [...OURS],
    run: (on) => [
      ...guessable(ofSettings(on).filter(({ place }) => OURS.has(place as SettingName))).map(
        ({ place, why }) => fail(`${place} ${why}`)
      ),
      ...guessable(ofRedis(on)).map(({ place, why }) =>
        failInEarnest(`the password in ${place} ${why}`)
      ),
      ...ofRedis(on)
        .filter(({ text }) => text.length < SHORTEST_PASSWORD)
        .map(({ place }) =>
          failInEarnest(
            `the password in ${place} is shorter than ${SHORTEST_PASSWORD} characters: take \`openssl rand -hex 32\``
          )
        )
    ]
  },
  {
    id: 'secrets-different',
    title: 'each secret serves one purpose',
    says: [REUSED],
    run: (on) =>
      reused(on).map((both) => fail(`the same secret stands in ${both}: give each one of its own`))
  },
  {
    id: 'encryption-key-age',
    title: 'the active encryption key is not known to be older than a year',
    run: async (on) => {
      const days = Math.floor(Math.max(fileAgeDays(on), await useAgeDays(on)))
      return when(
        days > OLD_DAYS,
        warn(
          `the active encryption key is at least ${days} days old: rotate it (docs/rotate-encryption-key.md)`
        )
      )
    }
  }
]
