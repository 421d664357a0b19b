/** Where the credentials of one bot, provider or channel come from and, once somebody asks, whether they can be read. */
import { useState } from 'preact/hooks'
import { ask } from '../lib/api.ts'
import { words } from '../lib/text.ts'
import { useAct } from '../lib/use.ts'
import { Chip } from '../pieces/chip.tsx'
import { Name } from '../pieces/name.tsx'
import { announce, ProblemNote } from '../pieces/notes.tsx'
import { Of } from '../pieces/of.tsx'
import type { Integrations, Source, TriedSource, TriedSources } from '../shapes-console.ts'

const Verdict = ({ resolves, code = 'fails' }: Partial<TriedSource>) =>
  resolves === undefined ? null : (
    <Chip tone={resolves ? 'good' : 'bad'}>{resolves ? 'can be read' : words(code)}</Chip>
  )

const One = ({ name, reference, ...verdict }: Source & Partial<TriedSource>) => (
  <li>
    <Verdict {...verdict} /> <Name text={name} />{' '}
    {reference === undefined ? (
      <span class="dim">written in the configuration</span>
    ) : (
      <>
        from <Name text={reference} />
      </>
    )}
  </li>
)

interface SourcesProps {
  readonly kind: keyof Integrations
  readonly of: { readonly name: string; readonly sources: readonly Source[] }
}

export const Sources = ({ kind, of: { name, sources } }: SourcesProps) => {
  const [tried, setTried] = useState<readonly TriedSource[]>()
  const { isBusy, problem, run } = useAct()
  const look = async (): Promise<void> => {
    const path = `/integrations/${kind}/${encodeURIComponent(name)}`
    const { sources: found } = await ask<TriedSources>(path)
    setTried(found)
    const isWhole = found.every(({ resolves }) => resolves)
    announce(isWhole ? 'All of them can be read.' : 'Some of them cannot be read.')
  }
  if (sources.length === 0) return <span class="dim">none</span>
  return (
    <>
      <ul class="plain">
        {(tried ?? sources).map((one) => (
          <One key={`${one.name} ${one.reference}`} {...one} />
        ))}
      </ul>
      <button type="button" class="small" disabled={isBusy} onClick={() => run(look)}>
        See whether they can be read
        <Of word="for" what={name} />
      </button>
      <ProblemNote problem={problem} />
    </>
  )
}
