/**
 * What the program gets: variables and files, from what was read. Rule: all of it fits or none is dealt; what was named by
 * whoever names secrets is looked at here (`names.ts`); two sets are told apart by digests, so that nobody has to keep the
 * former one.
 */

import { isUtf8 } from 'node:buffer'
import { createHmac, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Sensitive } from '../../core/secret.ts'
import { isSegment, variableOf } from './names.ts'
import type { Group, Plan } from './plan.ts'
import type { Content, Found } from './read.ts'
import { type Lack, Unread } from './unread.ts'

/** What is known of a set once it was handed over. */
export interface Stamp {
  /** What is to be listened to. */
  readonly refs: readonly string[]
  readonly digestOfVariables: string
  readonly digestOfFiles: string
}

export interface Dealt extends Stamp {
  readonly variables: ReadonlyMap<string, Sensitive<string>>
  /** By absolute path. */
  readonly files: ReadonlyMap<string, Sensitive<Buffer>>
  /** By reference. */
  readonly contents: ReadonlyMap<string, Content>
}

export const stampOf = ({ refs, digestOfVariables, digestOfFiles }: Dealt): Stamp => ({
  refs,
  digestOfVariables,
  digestOfFiles
})

/** Linux takes no longer string into an environment (MAX_ARG_STRLEN), its name and the NUL at its end included. */
const STRING_MAX = 128 * 1024

const DIGEST_KEY = randomBytes(32)

/** Of one process: it tells nothing to another. */
const digestOf = (parts: ReadonlyMap<string, Sensitive<Buffer | string>>): string => {
  const hmac = createHmac('sha256', DIGEST_KEY)
  for (const [name, content] of [...parts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const bytes = Buffer.from(content.reveal())
    hmac.update(`${name.length}:${name}${bytes.length}:`).update(bytes)
  }
  return hmac.digest('base64')
}

const unfit = (what: string, why: string): Lack => ({ what, code: 'unfit', why })

interface Dealing {
  readonly variables: Map<string, Sensitive<string>>
  readonly files: Map<string, Sensitive<Buffer>>
  readonly lacks: Lack[]
}

const giveVariable = (dealing: Dealing, ref: string, name: string, content: Content): void => {
  const bytes = content.bytes.reveal()
  const { variables, lacks } = dealing
  if (content.form === 'binary' || !isUtf8(bytes)) {
    lacks.push(unfit(ref, 'It is no text, and so fits into no variable: use --file'))
  } else if (bytes.includes(0)) {
    lacks.push(unfit(ref, 'It holds a NUL, which no variable can: use --file'))
  } else if (name.length + bytes.length + 2 > STRING_MAX) {
    lacks.push(unfit(ref, 'It is too long for a variable: use --file'))
  } else if (variables.has(name)) {
    lacks.push(unfit(ref, `The variable ${name} is there already`))
  } else {
    variables.set(name, new Sensitive(bytes.toString()))
  }
}

const giveFile = ({ files, lacks }: Dealing, ref: string, path: string, content: Content): void => {
  if (files.has(path)) lacks.push(unfit(ref, 'Its file is there already'))
  else files.set(path, content.bytes)
}

const dealSingles = (dealing: Dealing, plan: Pick<Plan, 'singles'>, found: Found): void => {
  for (const one of plan.singles) {
    const content = found.singles.get(one.ref)
    if (content === undefined) dealing.lacks.push(unfit(one.ref, 'It was not read'))
    else if ('path' in one) giveFile(dealing, one.ref, one.path, content)
    else if (content.form === 'fields') {
      const why = 'The secret has several fields: name one behind a #'
      dealing.lacks.push({ what: one.ref, code: 'field_required', why })
    } else giveVariable(dealing, one.ref, one.variable, content)
  }
}

const dealGroup = (dealing: Dealing, group: Group, folder: string, found: Found): void => {
  const { prefix } = group
  for (const [ref, content] of found.groups.get(prefix) ?? []) {
    const rest = ref.startsWith(prefix) ? ref.slice(prefix.length) : ''
    if (group.as === 'files') {
      if (isSegment(rest)) giveFile(dealing, ref, join(folder, rest), content)
      else dealing.lacks.push(unfit(ref, 'Its name is not one that a file of a group may have'))
    } else {
      const name = variableOf(group.variablePrefix, rest)
      if (name !== undefined) giveVariable(dealing, ref, name, content)
      else dealing.lacks.push(unfit(ref, 'Its name is not one that a variable of a group may have'))
    }
  }
}

/** `folder`: of groups that name none. Throws `Unread`. */
export const deal = (
  plan: Pick<Plan, 'singles' | 'groups'>,
  found: Found,
  folder: string
): Dealt => {
  const dealing: Dealing = { variables: new Map(), files: new Map(), lacks: [] }
  dealSingles(dealing, plan, found)
  for (const group of plan.groups) {
    const into = group.as === 'files' ? (group.folder ?? folder) : folder
    dealGroup(dealing, group, into, found)
  }
  const { variables, files, lacks } = dealing
  if (lacks.length > 0) throw new Unread(lacks)
  const contents = new Map([
    ...found.singles,
    ...[...found.groups.values()].flatMap((one) => [...one])
  ])
  return {
    variables,
    files,
    contents,
    refs: [...contents.keys()],
    digestOfVariables: digestOf(variables),
    digestOfFiles: digestOf(files)
  }
}
