// The commands of README and docs/stores/ run as they are pasted, page by page, beside a service.
import { test } from 'tap'
import { documentation } from '../support/doc-blocks.ts'
import { runPages } from '../support/doc-run.ts'

test('every command of README and docs/stores/ that can run here does what its page says', async (t) => {
  const blocks = documentation().filter(
    ({ file, language }) => /^(?:sh|bash)$/.test(language) && /^(?:README|docs.stores)/.test(file)
  )
  const pages = await runPages(t, blocks)
  for (const page of ['README.md', 'docs/stores/local.md']) t.ok(pages.includes(page), page)
})
