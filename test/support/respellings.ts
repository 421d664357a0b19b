/** Texts that a lenient decoder would take for the same API key: spare bits of base64, spaces, padding, quotes, other prefixes. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The last letter turned into every other one; some of them decode to the same bytes. */
const lastTurned = (segment: string): string[] =>
  [...ALPHABET]
    .filter((letter) => letter !== segment.at(-1))
    .map((letter) => segment.slice(0, -1) + letter)

const SEGMENTS_WITH_TEXT = [0, 2, 3, 4]

export const respellingsOf = (key: string): string[] => {
  const segments = key.split('.')
  const respelt = (i: number, respell: (segment: string) => string): string =>
    segments.with(i, respell(segments[i] ?? '')).join('.')
  const within = (inserted: string): string[] =>
    SEGMENTS_WITH_TEXT.map((i) =>
      respelt(i, (segment) => segment.slice(0, 5) + inserted + segment.slice(5))
    )
  const turned = (i: number): string[] =>
    lastTurned(segments[i] ?? '').map((segment) => respelt(i, () => segment))
  return [
    ...[' ', '\t', '=', '%'].flatMap(within),
    ...turned(4),
    ...turned(3),
    `${key}=`,
    `${key}==`,
    `${key}.`,
    `.${key}`,
    `"${key}"`,
    `${key},`,
    `${key}, ${key}`,
    `Bearer ${key}`,
    key.replaceAll('-', '+').replaceAll('_', '/'),
    key.toUpperCase(),
    key.replace('purser_dev_', 'purser_pro_'),
    key.replace('purser_dev_', 'PURSER_dev_'),
    key.replace('purser_dev_', ''),
    encodeURIComponent(`${key} `),
    `${key}\u00a0`,
    `\u00ff${key}`
  ].filter((text) => text !== key)
}
