/**
 * Sessions of the documentation: `$ command`, and under it what it printed. Rule: the commands of a page run in one shell,
 * in their order, and print what the page says, but for what differs from run to run.
 */
import { execFile } from 'node:child_process'
import type { Block } from './doc-blocks.ts'

export interface Step {
  readonly command: string
  readonly output: string
}

/** A command may go over several lines, each but the last with a backslash at its end. */
export const stepsIn = ({ text }: Pick<Block, 'text'>): Step[] =>
  text
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const [, command = '', output = ''] = /^((?:[^\n]*\\\n)*[^\n]*)\n(.*)$/s.exec(step) ?? []
      return { command, output }
    })

const VARIES: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/purser_[a-z]+_eyJ[\w.…-]+/g, '<api key>'],
  [/\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g, '<id>'],
  [/\d{4}-\d\d-\d\d(?:T[\d:.]+Z| \d\d:\d\d(?::\d\d)?(?: UTC)?)?/g, '<time>'],
  [/(sealed with +)[\w-]{8}\b/g, '$1<kid>'],
  [/\b[\d,]+(?= (?:lines?|bytes?|anchors?|instances?|segments?|files?|sealed)\b)/g, '<number>'],
  [/(?<=<number> (?:anchor|instance|line|segment|file))s\b/g, '']
]

/** Without what differs from run to run. */
export const masked = (text: string): string =>
  VARIES.reduce((rest, [pattern, instead]) => rest.replaceAll(pattern, instead), text).trimEnd()

const MARK = '=== and the next:'

/** What each of them prints, on standard output and standard error. */
export const runSteps = (
  steps: readonly Step[],
  given: string,
  cwd: string
): Promise<readonly string[]> => {
  const script = [given, ...steps.map(({ command }) => `echo '${MARK}'\n${command}`)].join('\n')
  return new Promise((resolve) => {
    execFile('bash', ['-c', `exec 2>&1\n${script}`], { cwd, timeout: 240_000 }, (_error, stdout) =>
      resolve(stdout.split(`${MARK}\n`).slice(1))
    )
  })
}
