/** One record of the trail, whole, with its place in the chain and whether it verifies. */
import { visible, words } from '../lib/text.ts'
import { useAsk } from '../lib/use.ts'
import { Chip } from '../pieces/chip.tsx'
import { Dialog } from '../pieces/dialog.tsx'
import { Name } from '../pieces/name.tsx'
import { Loaded } from '../pieces/notes.tsx'
import type { AuditRecord } from '../shapes.ts'
import type { AuditPlace } from '../shapes-console.ts'

const VERDICTS = {
  holds: ['good', 'verifies'],
  broken: ['bad', 'does not verify'],
  unknown: ['plain', 'cannot be told']
} as const

const Place = ({ record: { instance, seq, time } }: { readonly record: AuditRecord }) => {
  const isPlaced = instance !== undefined && seq !== undefined
  const asked = useAsk<AuditPlace>(isPlaced ? '/audit/place' : undefined, {
    instance,
    seq: String(seq),
    day: time.slice(0, 10)
  })
  if (!isPlaced)
    return <p class="dim">It has no place in the chain: an earlier version wrote it.</p>
  return (
    <Loaded asked={asked}>
      {({ verdict, detail, file, line, segmentFrom }) => {
        const [tone, word] = VERDICTS[verdict]
        return (
          <>
            <p>
              <Chip tone={tone}>{word}</Chip> {visible(detail)}
            </p>
            <dl class="facts small">
              <dt>Place</dt>
              <dd>
                number {seq} of process <span class="mono">{instance}</span>
                {line !== undefined && `, line ${line}`}
                {file !== undefined && (
                  <>
                    {' '}
                    of <Name text={file} />
                  </>
                )}
              </dd>
              {segmentFrom !== undefined && (
                <>
                  <dt>Segment</dt>
                  <dd>
                    {time.slice(0, 10)}, from number {segmentFrom} on
                  </dd>
                </>
              )}
            </dl>
          </>
        )
      }}
    </Loaded>
  )
}

export const OneRecord = ({
  record,
  onClose
}: {
  readonly record: AuditRecord
  readonly onClose: () => void
}) => (
  <Dialog title="Record" onClose={onClose}>
    <dl class="facts">
      {Object.entries(record).map(([name, value]) => (
        <>
          <dt key={name}>{words(name)}</dt>
          <dd key={`${name}=`}>
            <Name text={String(value)} shown={200} />
          </dd>
        </>
      ))}
    </dl>
    <h3>In the chain</h3>
    <Place record={record} />
    <div class="buttons">
      <button type="button" class="main" onClick={onClose}>
        Close
      </button>
    </div>
  </Dialog>
)
