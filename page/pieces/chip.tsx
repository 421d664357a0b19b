/** A state: a sign and a word, in a colour that says the same. */

export type Tone = 'good' | 'warn' | 'bad' | 'plain'

const SIGNS: Readonly<Record<Tone, string>> = { good: '✓', warn: '▲', bad: '✕', plain: '–' }

export const Chip = ({ tone, children }: { readonly tone: Tone; readonly children: string }) => (
  <span class={`chip ${tone}`}>
    <span aria-hidden="true">{SIGNS[tone]}</span>
    {children}
  </span>
)
