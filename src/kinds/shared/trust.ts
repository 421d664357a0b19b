/** Whom a store's own transport trusts, by the settings that all kinds have. */
import { pemOfFile } from '../../core/file-text.ts'
import { readFileBytes } from '../../files/read.ts'
import type { TransportOptions } from './http-transport.ts'
import type { Route } from './proxy.ts'

/** What verifies a peer: the authorities in the file, or without one the public ones. */
export const trustOf = async (
  caCertFile: string | undefined,
  route: Route
): Promise<TransportOptions> => ({
  route,
  ...(caCertFile !== undefined && { ca: [pemOfFile(await readFileBytes(caCertFile)).toString()] })
})
