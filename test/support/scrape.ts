/** A scrape, and what it says of a figure. */
import type { FastifyInstance } from 'fastify'

export interface Scraped {
  readonly text: string
  /** The names of all families. */
  readonly names: readonly string[]
  /** The value of the one series that has all of these labels; of several, their sum; undefined: there is none. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number | undefined
  /** The label sets of a series. */
  readonly labels: (name: string) => readonly Readonly<Record<string, string>>[]
}

const labelsIn = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, n, v]) => [n, v]))

export const parseMetrics = (text: string): Scraped => {
  const series = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      return { name, labels: labelsIn(labels), value: Number(value) }
    })
  const named = (name: string) => series.filter((one) => one.name === name)
  return {
    text,
    names: [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name),
    value: (name, labels = {}) => {
      const wanted = Object.entries(labels)
      const found = named(name).filter((one) => wanted.every(([n, v]) => one.labels[n] === v))
      return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
    },
    labels: (name) => named(name).map((one) => one.labels)
  }
}

export const scrape = async (
  server: FastifyInstance,
  headers: Readonly<Record<string, string>>
): Promise<Scraped> => {
  const { statusCode, body } = await server.inject({ url: '/internal/metrics', headers })
  if (statusCode !== 200) throw new Error(`a scrape was answered with ${statusCode}`)
  return parseMetrics(body)
}
