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
