/** Signing in once more, before a key is issued or a secret is written: in the way in which the session was opened. */
import { ask } from '../lib/api.ts'
import { codeIn } from '../lib/place.ts'
import { standing } from '../lib/session.ts'
import type { SteppedUp } from '../shapes-console.ts'
import { type Masked, MaskedField } from './fields.tsx'

const means = () => {
  const now = standing.get()
  return now.kind === 'in' ? now.session.signedInBy : 'key'
}

/** A link of the terminal, or its code alone. */
const codeOf = (text: string): string => codeIn(`#${text.split('#').at(-1)}`) ?? text

/** Shows what stands in the field once more. Rejects with a Problem. */
export const stepUp = (masked: Masked): Promise<SteppedUp> => {
  const text = masked.take().trim()
  const body = means() === 'code' ? { code: codeOf(text) } : { apiKey: text }
  return ask('/step-up', { method: 'POST', body })
}

const FIELDS = {
  key: {
    label: 'Your own key, once more',
    hint: 'The key that you signed in with. It is sent once and kept nowhere.'
  },
  code: {
    label: 'Another link of the terminal',
    hint: 'The terminal where Purser runs says how to get one. Copy it from there, and do not open it.'
  }
} as const

export const StepUpField = ({ masked }: { readonly masked: Masked }) => (
  <MaskedField {...FIELDS[means() === 'code' ? 'code' : 'key']} masked={masked} />
)
