/** What a service put on record. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export type AuditRecord = Readonly<Record<string, string>>

/** The records of the service in that folder, in their order. */
export const recordsIn = async (folder: string): Promise<AuditRecord[]> => {
  const directory = join(folder, 'data', 'audit')
  const days = (await readdir(directory)).sort()
  const texts = await Promise.all(days.map((day) => readFile(join(directory, day), 'utf8')))
  return (
    texts
      .flatMap((text) => text.split('\n'))
      // One that a kill or a full disk cut off is no record.
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line))
      // The chain's own lines record no event.
      .filter((line) => line.chain === undefined)
  )
}
