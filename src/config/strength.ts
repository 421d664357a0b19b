/**
 * Whether a secret is fit to protect anything. Long and random is what counts; the rest catches what people paste
 * instead.
 */

const MIN_DISTINCT = 8
const GIVEAWAYS = [
  'changeme',
  'change-me',
  'change_me',
  'password',
  'secret',
  'example',
  'default',
  'purser',
  'qwerty',
  '0123456789',
  '1234567890',
  'abcdefgh'
]

const repeats = (text: string): boolean => {
  for (let period = 1; period <= text.length / 2; period++) {
    if (text.length % period === 0 && text.slice(0, period).repeat(text.length / period) === text)
      return true
  }
  return false
}

/** What makes the secret weak, as the end of a sentence; undefined if nothing was found. */
export const weaknessOf = (secret: string): string | undefined => {
  if (!/^[\x21-\x7e]*$/.test(secret)) return 'must hold printable ASCII without spaces only'
  if (GIVEAWAYS.some((word) => secret.toLowerCase().includes(word)))
    return 'holds a well-known word or sequence: use a random one'
  if (repeats(secret)) return 'repeats itself: use a random one'
  if (new Set(secret).size < MIN_DISTINCT)
    return 'has too few different characters: use a random one'
  return undefined
}

/** Beyond what a start refuses: words that nobody draws by chance, in any case. */
const WORDS = ['letmein', 'welcome', 'iloveyou', 'placeholder', 'insert-', 'replace', 'testtest']
/** So many characters that repeat, or follow one another as in the alphabet, stand in one random text of millions. */
const RUN = 8
/** Bits a character: of 32 digits drawn at random it is about 3.1, of other alphabets more. */
const MIN_ENTROPY = 2.5

const longestRun = (text: string): number => {
  let [longest, length, step] = [1, 1, Number.NaN]
  for (let at = 1; at < text.length; at++) {
    const next = text.charCodeAt(at) - text.charCodeAt(at - 1)
    const goesOn = next === step
    length = goesOn ? length + 1 : 2
    step = Math.abs(next) <= 1 ? next : Number.NaN
    longest = Math.max(longest, Number.isNaN(step) ? 1 : length)
  }
  return longest
}

/** Shannon's, of the characters as they occur in the text. */
const entropyOf = (text: string): number => {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  return [...counts.values()].reduce((sum, n) => {
    const share = n / text.length
    return sum - share * Math.log2(share)
  }, 0)
}

/** Why a secret that a start takes may be guessed all the same, as the end of a sentence; undefined if nothing was found. */
export const guessabilityOf = (secret: string): string | undefined => {
  const weakness = weaknessOf(secret)
  if (weakness !== undefined) return weakness
  if (WORDS.some((word) => secret.toLowerCase().includes(word)))
    return 'holds a well-known word: use a random one'
  if (longestRun(secret) >= RUN) return 'holds a long run of characters: use a random one'
  return entropyOf(secret) < MIN_ENTROPY ? 'has too little variety: use a random one' : undefined
}
