/** What an act is about, for whoever hears the button and does not see its row. */
import { clip, visible } from '../lib/text.ts'

export const Of = ({ what, word = 'of' }: { readonly what: string; readonly word?: string }) => (
  <span class="unseen">{` ${word} ${clip(visible(what), 64)}`}</span>
)
