// The commands of examples/ run as they are pasted, page by page, beside a service.
import { test } from 'tap'
import { documentation } from '../support/doc-blocks.ts'
import { runPages } from '../support/doc-run.ts'

test('every command of examples/ that can run here does what its page says', async (t) => {
  const blocks = documentation().filter(
    ({ file, language }) => /^(?:sh|bash)$/.test(language) && file.startsWith('examples/')
  )
  const pages = await runPages(t, blocks)
  for (const page of ['examples/aos-edge/README.md']) t.ok(pages.includes(page), page)
})
