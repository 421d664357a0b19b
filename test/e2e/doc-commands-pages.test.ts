// The commands of the pages of docs/ run as they are pasted, page by page, beside a service.
import { test } from 'tap'
import { documentation } from '../support/doc-blocks.ts'
import { runPages } from '../support/doc-run.ts'

test('every command of the pages of docs/ that can run here does what its page says', async (t) => {
  const blocks = documentation().filter(
    ({ file, language }) => /^(?:sh|bash)$/.test(language) && /^docs.[^/]+$/.test(file)
  )
  const pages = await runPages(t, blocks)
  for (const page of [
    'docs/audit.md',
    'docs/bots.md',
    'docs/direct-line.md',
    'docs/events.md',
    'docs/rotate-encryption-key.md',
    'docs/run.md'
  ])
    t.ok(pages.includes(page), page)
})
