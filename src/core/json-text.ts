/**
 * The members of a JSON object as they are written. Rule: a text is cut, never printed anew, so that numbers keep every
 * digit that they were given. (`JSON.parse` with access to the source needs Node 21.)
 */

const endOfString = (json: string, start: number): number => {
  let at = start + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}

const endOfValue = (json: string, start: number): number => {
  let depth = 0
  for (let at = start; ; at++) {
    const char = json[at]
    if (char === '"') at = endOfString(json, at)
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && depth-- === 0) return at
    else if (char === ',' && depth === 0) return at
  }
}

/**
 * The members' texts by their names; of two with one name the last, as JSON.parse takes it. `json` has to be the valid
 * JSON of an object: whoever calls has parsed it.
 */
export const membersOf = (json: string): ReadonlyMap<string, string> => {
  const members = new Map<string, string>()
  let at = json.indexOf('{')
  if (/^\{\s*\}/.test(json.slice(at))) return members
  while (json[at] !== '}') {
    const key = json.indexOf('"', at)
    const endOfKey = endOfString(json, key)
    const start = json.indexOf(':', endOfKey) + 1
    at = endOfValue(json, start)
    members.set(JSON.parse(json.slice(key, endOfKey + 1)), json.slice(start, at).trim())
  }
  return members
}
