/** `purser audit key new`. Rule: the private key goes into a file of its own, and nowhere else. */
import { writeFileSync } from 'node:fs'
import { newAuditorKeys } from '../crypto/auditor-keys.ts'
import { CommandFailure } from './failure.ts'
import { print, requireOutput, tell } from './io.ts'

export interface NewKeyOptions {
  readonly out: string
}

export const newKey = async ({ out }: NewKeyOptions): Promise<void> => {
  requireOutput()
  const { publicKey, privateKey } = newAuditorKeys()
  try {
    writeFileSync(out, privateKey, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'is there already' : `cannot be written (${code})`
    throw new CommandFailure(`${out} ${why}: no key was made.`)
  }
  tell(`The private key is in ${out}: take it away from here, it proves what this machine wrote.`)
  await print(publicKey.trimEnd())
}
