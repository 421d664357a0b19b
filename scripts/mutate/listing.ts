/**
 * Lists what no test noticed, while it is found, and apart from it what was noticed by going on for ever: a busy machine may be
 * the reason. Rule: where it stands, what is put in its place, and the line.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'

export interface Mutant {
  readonly fileName: string
  readonly status: string
  readonly statusReason?: string
  readonly mutatorName: string
  readonly replacement?: string
  readonly location: { readonly start: { readonly line: number; readonly column: number } }
}

interface Options {
  readonly purser: { readonly listing: string }
}

const told = (mutant: Mutant): string => {
  const { fileName, status, statusReason = '', mutatorName, replacement = '', location } = mutant
  const { line, column } = location.start
  const source = readFileSync(fileName, 'utf8').split('\n')[line - 1]?.trim()
  const place = `${relative('.', fileName)}:${line}:${column}`
  const what = `${place} ${status} ${mutatorName} -> ${replacement.slice(0, 120)}`
  return `${what}\n    ${source}\n${statusReason && `    ${statusReason}\n`}`
}

const createListing = ({ purser: { listing } }: Options) => {
  const fileOf: Readonly<Record<string, string>> = {
    Survived: `${listing}.txt`,
    NoCoverage: `${listing}.txt`,
    Timeout: `${listing}-endless.txt`
  }
  for (const file of Object.values(fileOf)) writeFileSync(file, '')
  return {
    onMutantTested: (mutant: Mutant): void => {
      const file = fileOf[mutant.status]
      if (file !== undefined) appendFileSync(file, told(mutant))
    }
  }
}

createListing.inject = ['options'] as const
export const listingReporter = {
  kind: 'Reporter',
  name: 'listing',
  factory: createListing
} as const
