/** What retention will take: the dry run of `purser audit purge`, once it is asked for. */
import { useState } from 'preact/hooks'
import { count, moment, plural, visible, words } from '../lib/text.ts'
import { useAsk } from '../lib/use.ts'
import { Sheet } from '../pieces/frame.tsx'
import { Name } from '../pieces/name.tsx'
import { Loaded } from '../pieces/notes.tsx'
import type { Retention as Answer } from '../shapes-console.ts'

const When = ({ everyMinutes }: Answer) => (
  <p class="small dim">
    {everyMinutes === undefined ? (
      <>
        It stays until somebody runs <code>purser audit purge</code>: RETENTION_PURGE_ENABLED is
        false.
      </>
    ) : (
      `It goes by itself: the service looks every ${plural(everyMinutes, 'minute')}.`
    )}
  </p>
)

const Unchecked = ({ withoutKey, lostKeys }: Answer) =>
  withoutKey === 0 ? null : (
    <p class="note warn">
      MACs of {plural(withoutKey, 'segment')} cannot be checked: their keys are not at hand
      {lostKeys.length > 0 && <>; ENCRYPTION_KEYS lacks {visible(lostKeys.join(', '))}</>}.
    </p>
  )

const Taken = (answer: Answer) => {
  const { days, before, files, lines, bytes, entries, lookedAt } = answer
  const isNothing = files.length === 0 && entries.length === 0
  return (
    <>
      <p>
        {isNothing
          ? `Nothing is over its time: records are kept for ${plural(days, 'day')}.`
          : `Would go: ${plural(files.length, 'file')}, ${plural(lines, 'line')}, ${count(bytes)} bytes of days before ${before}.`}
      </p>
      {entries.length > 0 && (
        <p>
          Besides:{' '}
          {entries
            .map((one) => `${plural(one.count, 'entry', 'entries')} of ${words(one.name)}`)
            .join(', ')}
          .
        </p>
      )}
      {files.length > 0 && (
        <ul class="plain mono">
          {files.map(({ name }) => (
            <li key={name}>
              <Name text={name} />
            </li>
          ))}
        </ul>
      )}
      <Unchecked {...answer} />
      {!isNothing && <When {...answer} />}
      <p class="small dim">Looked at {moment(lookedAt)} UTC. Nothing has gone by that.</p>
    </>
  )
}

const Look = () => {
  const asked = useAsk<Answer>('/retention')
  return (
    <Loaded asked={asked}>
      {(answer) =>
        answer.refusal === undefined ? (
          <Taken {...answer} />
        ) : (
          <p class="note warn">Nothing would go: {visible(answer.refusal)}.</p>
        )
      }
    </Loaded>
  )
}

export const Retention = () => {
  const [isAsked, setAsked] = useState(false)
  return (
    <Sheet title="Retention">
      {isAsked ? (
        <Look />
      ) : (
        <p>
          <button type="button" onClick={() => setAsked(true)}>
            See what retention will take
          </button>
        </p>
      )}
    </Sheet>
  )
}
