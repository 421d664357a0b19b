/** A name that somebody else chose: of a client, a secret, a bot. Rule: it is text, it stands apart from its neighbours. */
import { useState } from 'preact/hooks'
import { clip, count, visible } from '../lib/text.ts'

const SHOWN = 96

export interface NameProps {
  readonly text: string
  /** How many characters are shown until somebody asks for all. */
  readonly shown?: number
}

export const Name = ({ text, shown = SHOWN }: NameProps) => {
  const [isWhole, setWhole] = useState(false)
  const seen = visible(text)
  const cut = clip(seen, shown)
  if (cut === seen) return <bdi class="name">{seen}</bdi>
  return (
    <span class="name">
      <bdi>{isWhole ? seen : cut}</bdi>{' '}
      <button
        type="button"
        class="link small"
        aria-expanded={isWhole}
        onClick={() => setWhole(!isWhole)}
      >
        {isWhole ? 'less' : `all ${count([...text].length)} characters`}
      </button>
    </span>
  )
}
