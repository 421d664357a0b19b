/** Signing in once more, before a key is issued or a secret is written. */
import { ask } from '../lib/api.ts'
import type { SteppedUp } from '../shapes-console.ts'
import { type Masked, MaskedField } from './fields.tsx'

/** Shows the key that stands in the field once more. Rejects with a Problem. */
export const stepUp = (masked: Masked): Promise<SteppedUp> =>
  ask('/step-up', { method: 'POST', body: { apiKey: masked.take().trim() } })

export const StepUpField = ({ masked }: { readonly masked: Masked }) => (
  <MaskedField
    label="Your own key, once more"
    hint="The key that you signed in with. It is sent once and kept nowhere."
    masked={masked}
  />
)
