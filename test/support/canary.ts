/**
 * A canary: a random text to plant where a secret stands, and a search for it in whatever came out of the code. Rule: it
 * finds the text also where someone encoded it on the way, and so proves that nothing leaked rather than that nothing
 * leaked literally.
 */
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'

export interface Canary {
  readonly token: string
  /** In which spellings the token stands in the text: empty is what a test wants. */
  readonly findIn: (haystack: string | Buffer) => string[]
}

/**
 * The base64 characters that depend on the token alone when `offset` bytes stand before it: what its neighbours share
 * with it is cut off on both sides.
 */
const base64At = (token: string, offset: number): string => {
  const bits = Buffer.concat([Buffer.alloc(offset), Buffer.from(token)])
  const encoded = bits.toString('base64').replace(/=+$/, '')
  return encoded.slice(
    Math.ceil((offset * 8) / 6),
    bits.length % 3 === 0 ? undefined : encoded.length - 1
  )
}

const toBase64Url = (text: string): string => text.replaceAll('+', '-').replaceAll('/', '_')

const spellingsOf = (token: string): ReadonlyMap<string, string> => {
  const bytes = Buffer.from(token)
  const spellings = new Map([
    ['raw', token],
    ['hex', bytes.toString('hex')],
    ['percent-encoded', [...bytes].map((byte) => `%${byte.toString(16)}`).join('')],
    ['URI component', encodeURIComponent(token)],
    ['query', new URLSearchParams({ '': token }).toString().slice(1)],
    ['JSON', JSON.stringify(token).slice(1, -1)],
    ['JSON twice', JSON.stringify(JSON.stringify(token)).slice(3, -3)],
    ['reversed', [...token].reverse().join('')],
    ['bytes', [...bytes].join(',')],
    ['bytes, inspected', [...bytes].join(', ')]
  ])
  for (const offset of [0, 1, 2]) {
    const text = base64At(token, offset)
    spellings.set(`base64 at ${offset}`, text)
    spellings.set(`base64url at ${offset}`, toBase64Url(text))
  }
  return spellings
}

// Characters which JSON, URLs and base64 each have to write differently, so that the spellings differ.
export const createCanary = (): Canary =>
  canaryOf(`canary-${randomBytes(18).toString('base64url')}"/+%?ÿ~`)

/** For a text that may not be any, such as a name or a key: the same search. */
export const canaryOf = (token: string): Canary => {
  const spellings = spellingsOf(token)
  const findIn = (haystack: string | Buffer): string[] => {
    const text = typeof haystack === 'string' ? haystack : haystack.toString('utf8')
    const lower = text.toLowerCase()
    const caseless = new Set(['hex', 'percent-encoded', 'URI component', 'query'])
    return [...spellings]
      .filter(([name, spelling]) =>
        caseless.has(name) ? lower.includes(spelling.toLowerCase()) : text.includes(spelling)
      )
      .map(([name]) => name)
  }
  return { token, findIn }
}

/** Everything that a logger, a debugger or a careless serialiser could ever print of a thing: properties, causes, stacks. */
export const everythingIn = (thing: unknown): string =>
  inspect(thing, {
    depth: 30,
    showHidden: true,
    getters: true,
    maxArrayLength: null,
    maxStringLength: null
  }) +
  chain(thing)
    .map((error) => `${error.stack}\n${error.message}\n${JSON.stringify(error)}`)
    .join('\n')

const chain = (thing: unknown): Error[] =>
  thing instanceof Error ? [thing, ...chain(thing.cause)] : []
