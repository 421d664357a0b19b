/** What the browser lacks, above everything else. */
import { lackingIn } from '../lib/browser.ts'
import { useAsk } from '../lib/use.ts'
import type { SignInWays } from '../shapes-console.ts'

export const BrowserNote = () => {
  const { data } = useAsk<SignInWays>('/sign-in')
  const lacking = lackingIn(window, data?.fetchMetadata)
  return lacking.length === 0 ? null : (
    <aside class="note warn" aria-label="Your browser">
      {lacking.map((sentence) => (
        <div key={sentence}>{sentence}</div>
      ))}
    </aside>
  )
}
