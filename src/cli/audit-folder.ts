/** Where the trail of this folder's service stands. */
import { join, resolve } from 'node:path'
import { readSomeSettings } from '../config/env.ts'

export const trailFolderOf = ({ DATA_DIR }: { readonly DATA_DIR: string }): string =>
  join(resolve(DATA_DIR), 'audit')

/** As the settings have it. Throws ConfigError. */
export const trailFolder = (): string =>
  trailFolderOf(readSomeSettings(process.env, process.cwd(), ['DATA_DIR']))
