/** What a question finds, as a file of lines: all pages of it, as far as the browser's memory should go. */
import { askRaw, Problem } from '../lib/api.ts'
import { isWhole, lastLine } from '../lib/lines.ts'
import type { Query } from '../lib/place.ts'
import { useAct } from '../lib/use.ts'
import { announce, ProblemNote } from '../pieces/notes.tsx'

const BYTES_MAX = 64 * 1024 * 1024
const LINES = 'application/x-ndjson'

/** Rejects for an answer that broke off, or is more than a browser should hold. */
const linesOf = async (question: Query): Promise<Blob> => {
  const response = await askRaw('/v1/admin/audit', { query: question, accept: LINES })
  const reader = response.body?.getReader()
  const parts: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  for (;;) {
    const part = await reader?.read()
    if (part === undefined || part.done) break
    size += part.value.length
    if (size > BYTES_MAX) {
      await reader?.cancel()
      throw new Problem(
        0,
        'too_much',
        'that is more than 64 MB: narrow it down, or use purser audit export'
      )
    }
    parts.push(part.value)
  }
  const lines = new Blob(parts, { type: LINES })
  if (!isWhole(lastLine(await lines.slice(-65_536).text()))) {
    throw new Problem(0, 'not_whole', 'the answer broke off: try again')
  }
  return lines
}

const save = (lines: Blob): void => {
  const url = URL.createObjectURL(lines)
  const link = document.createElement('a')
  link.href = url
  link.download = `purser-audit-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.jsonl`
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

export const Export = ({ question }: { readonly question: Query }) => {
  const { isBusy, problem, run } = useAct()
  const act = async (): Promise<void> => {
    save(await linesOf(question))
    announce('The file is saved.')
  }
  return (
    <>
      <button type="button" disabled={isBusy} onClick={() => run(act)}>
        {isBusy ? 'Collecting…' : 'Export all that match'}
      </button>
      <ProblemNote problem={problem} />
    </>
  )
}
