/** The checks of `purser doctor`, as the running service sees itself. */
import { useState } from 'preact/hooks'
import { moment, visible, words } from '../lib/text.ts'
import { useAsk } from '../lib/use.ts'
import { Chip, type Tone } from '../pieces/chip.tsx'
import { ChoiceField } from '../pieces/fields.tsx'
import { AskedHead, Figure, Sheet } from '../pieces/frame.tsx'
import { Loaded } from '../pieces/notes.tsx'
import { Table } from '../pieces/table.tsx'
import type { Report, Status } from '../shapes-console.ts'

const TONES: Readonly<Record<Status, Tone>> = { ok: 'good', warn: 'warn', fail: 'bad' }
const WEIGHT: Readonly<Record<Status, number>> = { fail: 0, warn: 1, ok: 2 }

type Examined = Report['checks'][number]

const State = ({ status }: { readonly status: Status }) => (
  <Chip tone={TONES[status]}>{status}</Chip>
)

const Findings = ({ title, idle, findings }: Examined) =>
  findings.length === 0 ? (
    <span class="dim">{idle === undefined ? title : `does not apply: ${idle}`}</span>
  ) : (
    <ul class="plain">
      {findings.map(({ message }) => (
        <li key={message}>{visible(message)}</li>
      ))}
    </ul>
  )

const Checks = ({ checks }: Pick<Report, 'checks'>) => {
  const [shown, setShown] = useState('found')
  const rows = checks
    .filter(({ status }) => shown === 'all' || status !== 'ok')
    .toSorted((a, b) => WEIGHT[a.status] - WEIGHT[b.status])
  return (
    <Sheet title="Checks">
      <div class="row">
        <ChoiceField
          label="Show"
          value={shown}
          onText={setShown}
          options={[
            ['found', 'what was found'],
            ['all', 'all checks']
          ]}
        />
      </div>
      {rows.length === 0 ? (
        <p>
          <Chip tone="good">ok</Chip> All checks are passed.
        </p>
      ) : (
        <Table
          caption="The gravest first; each says what is wrong and what mends it"
          rows={rows}
          keyOf={({ id }) => id}
          columns={[
            { title: 'Check', of: ({ id }) => words(id) },
            { title: 'State', of: ({ status }) => <State status={status} /> },
            { title: 'What was found', of: (one) => <Findings {...one} /> }
          ]}
        />
      )}
    </Sheet>
  )
}

export const Doctor = () => {
  const asked = useAsk<Report>('/doctor')
  return (
    <>
      <AskedHead title="Doctor" act="Examine again" asked={asked} />
      <Loaded asked={asked}>
        {({ counts: { ok, warn, fail }, checks, environment, examinedAt }) => (
          <>
            <div class="grid narrow">
              <Figure title="Failed" value={String(fail)} note={`in ${environment}`} />
              <Figure title="With warnings" value={String(warn)} />
              <Figure title="Passed" value={String(ok)} />
            </div>
            <Checks checks={checks} />
            <p class="dim small">Examined {moment(examinedAt)} UTC.</p>
          </>
        )}
      </Loaded>
    </>
  )
}
