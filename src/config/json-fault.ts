/**
 * Where a text stops being JSON (RFC 8259). Rule: the place alone is told; the engine's own message quotes the text,
 * and not every one of them has the place.
 */
const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/uy
const LITERAL = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][+-]?\d+)?|true|false|null/y

const offsetOfFault = (json: string): number => {
  let at = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.exec(json)?.[0]
    at += found?.length ?? 0
    return found !== undefined
  }
  const takeSign = (sign: string): boolean => {
    take(SPACE)
    const isThere = json[at] === sign
    if (isThere) at++
    return isThere
  }
  const takeList = (end: string, takeItem: () => boolean): boolean => {
    if (takeSign(end)) return true
    do {
      if (!takeItem()) return false
    } while (takeSign(','))
    return takeSign(end)
  }
  const takeMember = (): boolean => {
    take(SPACE)
    return take(STRING) && takeSign(':') && takeValue()
  }
  const takeValue = (): boolean => {
    if (takeSign('[')) return takeList(']', takeValue)
    if (takeSign('{')) return takeList('}', takeMember)
    return take(STRING) || take(LITERAL)
  }
  if (takeValue()) take(SPACE)
  return at
}

/** What is wrong there, which is a comma too many more often than anything else; it quotes nothing. */
export const sayFault = (json: string): string => {
  const at = offsetOfFault(json)
  const isAfterComma = json.slice(0, at).trimEnd().endsWith(',')
  const isOneTooMany = isAfterComma && /^[\]},]/.test(json.slice(at))
  return isOneTooMany ? 'is not valid JSON: take out the comma before it' : 'is not valid JSON'
}

/** `<line>:<column>`, both from 1, of the first character that cannot stand where it does. */
export const placeOfFault = (json: string): string => {
  const lines = json.slice(0, offsetOfFault(json)).split('\n')
  return `${lines.length}:${(lines.at(-1) ?? '').length + 1}`
}
