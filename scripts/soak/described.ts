/** Whether an answer is one that openapi.yaml has for the operation: its status, media type, body and code. */
import { readFileSync } from 'node:fs'
import { Compile } from 'typebox/schema'
import { parse } from 'yaml'
import { PROBLEMS, type ProblemCode } from '../../src/core/problem.ts'

interface Described {
  readonly operationId: string
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}

export interface Told {
  readonly status: number
  readonly type: string | undefined
  readonly text: string
}

/** Undefined where it is, otherwise what it is not. */
export type Describes = (operationId: string, told: Told) => string | undefined

/** Media types are compared without their parameters. */
const bare = (type: string): string => type.split(';', 1)[0]?.trim() ?? ''

const faultOfProblem = (status: number, body: { readonly code?: ProblemCode }) => {
  const known = body.code && PROBLEMS[body.code]
  return known?.status === status ? undefined : `code ${body.code} with status ${status}`
}

export const readDescription = (file: string): Describes => {
  const document = parse(readFileSync(file, 'utf8'))
  const operations = new Map<string, Described>(
    Object.values<Record<string, Described>>(document.paths)
      .flatMap((item) => Object.values(item))
      .map((operation) => [operation.operationId, operation])
  )
  const whole = (node: object): object =>
    JSON.parse(JSON.stringify(node), (_, value) =>
      typeof value?.$ref === 'string' ? document.components.schemas.Problem : value
    )
  const compiled = new Map<object, ReturnType<typeof Compile>>()
  const isValid = (schema: object, value: unknown): boolean => {
    const check = compiled.get(schema) ?? Compile(whole(schema))
    compiled.set(schema, check)
    return check.Check(value)
  }

  return (operationId, { status, type, text }) => {
    const responses = operations.get(operationId)?.responses ?? {}
    const response = responses[String(status)] ?? (status >= 400 ? responses['default'] : undefined)
    if (response === undefined) return `${operationId} has no status ${status}`
    const { content } = response
    if (content === undefined)
      return text === '' ? undefined : `${operationId} ${status} has a body`
    const media = Object.entries(content).find(([name]) => bare(name) === bare(type ?? ''))?.[1]
    if (media === undefined) return `${operationId} ${status} is of type ${type}`
    if (!/json$/.test(bare(type ?? ''))) return undefined
    let body: object
    try {
      body = JSON.parse(text)
    } catch {
      return `${operationId} ${status} is no JSON`
    }
    if (!isValid(media.schema, body)) return `${operationId} ${status} has not the form described`
    return status >= 400 ? faultOfProblem(status, body) : undefined
  }
}
