/** The grammar of the command line: what it explains and what it refuses before anything is done. */
import type { Command, CommanderError } from 'commander'
import { test } from 'tap'
import { reportFailure } from '../../../src/cli/failure.ts'
import { createProgram } from '../../../src/cli/program.ts'

const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)]

/** Parses the words and resolves to the exit code and what was written. */
const parse = async (words: readonly string[]) => {
  const output = { stdout: '', stderr: '' }
  const program = createProgram('1.2.3')
  for (const command of all(program)) {
    command.configureOutput({
      writeOut: (text) => {
        output.stdout += text
      },
      writeErr: (text) => {
        output.stderr += text
      }
    })
  }
  const code = await program.parseAsync(words, { from: 'user' }).then(
    () => 0,
    (error: CommanderError) => reportFailure(error)
  )
  return { code, ...output }
}

test('Every command explains itself with an example', async (t) => {
  const wordsOf = (command: Command): string[] =>
    command.parent === null ? [] : [...wordsOf(command.parent), command.name()]
  const names = all(createProgram('1.2.3'))
    .filter(({ commands }) => commands.length === 0)
    .map(wordsOf)
  t.ok(names.length >= 23)
  for (const words of names) {
    const { code, stdout } = await parse([...words, '--help'])
    t.equal(code, 0)
    t.match(stdout, new RegExp(`Examples?:\\n.*purser ${words.join(' ')}`, 's'))
  }
})

test('What key issue cannot make sense of is wrong usage, with nothing on stdout', async (t) => {
  const wrong = [
    ['-s', 'aura-services:'],
    ['-s', Array.from({ length: 33 }, (_, i) => `scope-${i}`).join(',')],
    ['-e', 'production'],
    ['--enviroment', 'production'],
    ['-a', 'a client'],
    ['-v', '8'],
    ['-m', 'x'],
    ['-i', 'not-a-uuid'],
    ['--expires', '30'],
    ['--expires', '0d'],
    ['--surplus'],
    ['surplus']
  ]
  for (const words of wrong) {
    const { code, stdout, stderr } = await parse(['key', 'issue', ...words])
    t.equal(code, 2, words.join(' '))
    t.equal(stdout, '')
    t.match(stderr, /^error: /)
  }
})

test('The version of an API in place of that of the platform is refused with the difference', async (t) => {
  for (const version of ['1', 'v1', '8.3']) {
    const { code, stderr } = await parse(['key', 'issue', '-v', version])
    t.equal(code, 2, version)
    t.match(stderr, /full version of the platform, .* such as 8\.3\.0.*version of an API/)
  }
})

test('No command, half a command and an unknown one are wrong usage', async (t) => {
  for (const words of [[], ['key'], ['store'], ['nonsense'], ['key', 'revoke']]) {
    t.match(await parse(words), { code: 2, stdout: '', stderr: /./ })
  }
})

test('The version is told everywhere', async (t) => {
  t.match(await parse(['-V']), { code: 0, stdout: '1.2.3\n' })
  t.match(await parse(['key', 'issue', '-V']), { code: 0, stdout: '1.2.3\n' })
})
