/** What the id of an API key looks like: a UUID, in lower case. */
export const KEY_ID = '^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'

const PATTERN = new RegExp(KEY_ID)

export const isKeyId = (text: string): boolean => PATTERN.test(text)
