/** Signing in once more, before a key is issued, a secret is written or a session ended: in the way in which the session was opened. */
import { ask, urlOf } from '../lib/api.ts'
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

/** Shows what stands in the field once more; who did so at a provider has by now. Rejects with a Problem. */
export const stepUp = async (masked: Masked): Promise<void> => {
  if (means() === 'provider') return
  const text = masked.take().trim()
  const body = means() === 'code' ? { code: codeOf(text) } : { apiKey: text }
  await ask<SteppedUp>('/step-up', { method: 'POST', body })
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

/** In another tab, so that what was filled in here stays. */
const AtProvider = () => (
  <p>
    <a class="button" href={urlOf('/v1/sessions/oidc/again')} target="_blank" rel="noopener">
      Sign in once more
    </a>{' '}
    <span class="hint">
      At your provider, in another tab: then go on here, within five minutes.
    </span>
  </p>
)

export const StepUpField = ({ masked }: { readonly masked: Masked }) => {
  const now = means()
  return now === 'provider' ? <AtProvider /> : <MaskedField {...FIELDS[now]} masked={masked} />
}
