/** Who may read what, and why: a client and a reference are explained; one of the two alone says who, or what. */
import { useState } from 'preact/hooks'
import { useForm } from '../lib/form.ts'
import { hashOf } from '../lib/place.ts'
import { ago, plural } from '../lib/text.ts'
import { useAsk, useNow } from '../lib/use.ts'
import { Chip, type Tone } from '../pieces/chip.tsx'
import { TextField } from '../pieces/fields.tsx'
import { Head, Sheet } from '../pieces/frame.tsx'
import { Name } from '../pieces/name.tsx'
import { Loaded, Nothing } from '../pieces/notes.tsx'
import { Of } from '../pieces/of.tsx'
import { Table } from '../pieces/table.tsx'
import type { Check, Explanation } from '../shapes.ts'
import type { Grant, Reach, Readers } from '../shapes-console.ts'
import type { ViewProps } from '../shell.tsx'

const VERDICTS: Readonly<Record<Check['verdict'], Tone>> = {
  passes: 'good',
  refuses: 'bad',
  open: 'plain'
}

const Why = ({ client, reference }: { readonly client: string; readonly reference: string }) => {
  const asked = useAsk<Explanation>('/v1/admin/explain', { client, ref: reference })
  return (
    <Sheet title="May this client read this reference?">
      <Loaded asked={asked}>
        {({ allowed, checks, reference: canonical }) => (
          <>
            <p>
              <Chip tone={allowed ? 'good' : 'bad'}>{allowed ? 'yes' : 'no'}</Chip>{' '}
              <Name text={client} /> {allowed ? 'may' : 'may not'} read{' '}
              <Name text={canonical ?? reference} />
            </p>
            <ol class="checks" aria-label="Checks, in the order in which they are made">
              {checks.map(({ check, verdict, detail }) => (
                <li key={`${check} ${detail}`}>
                  <Chip tone={VERDICTS[verdict]}>{verdict}</Chip>
                  <strong>{check}</strong>
                  <Name text={detail} shown={240} />
                </li>
              ))}
            </ol>
            <p class="small">
              <a href={hashOf('audit', { client, reference })}>What was asked for and answered</a>
            </p>
          </>
        )}
      </Loaded>
    </Sheet>
  )
}

const Grants = ({
  title,
  grants
}: {
  readonly title: string
  readonly grants: readonly Grant[]
}) =>
  grants.length === 0 ? (
    <Nothing>{title}: nothing.</Nothing>
  ) : (
    <Table
      caption={title}
      rows={grants}
      keyOf={({ rule, pattern }) => `${rule} ${pattern}`}
      columns={[
        { title: 'Pattern', of: ({ pattern }) => <Name text={pattern} /> },
        { title: 'Rule of policies:', of: ({ rule }) => rule },
        { title: 'Until', of: ({ until }) => until ?? 'no end' }
      ]}
    />
  )

const Listed = ({ title, names }: { readonly title: string; readonly names: readonly string[] }) =>
  names.length === 0 ? null : (
    <div>
      <h3>{title}</h3>
      <ul class="plain">
        {names.map((name) => (
          <li key={name}>
            <Name text={name} />
          </li>
        ))}
      </ul>
    </div>
  )

const NamesOf = ({ client }: { readonly client: string }) => {
  const asked = useAsk<Reach>('/reach', { client, names: 'true' })
  return (
    <Loaded asked={asked}>
      {({ names = [], isPartial }) => (
        <>
          <Listed title={plural(names.length, 'name')} names={names} />
          {names.length === 0 && <Nothing>No name that your own client may read, too.</Nothing>}
          {isPartial && (
            <p class="note warn">There may be more: not all stores could be asked for all.</p>
          )}
          <p class="hint">Names that this client and your own may read. Never a value.</p>
        </>
      )}
    </Loaded>
  )
}

const Reaching = ({ client }: { readonly client: string }) => {
  const [isListed, setListed] = useState(false)
  const asked = useAsk<Reach>('/reach', { client })
  return (
    <Sheet title="What may this client read?">
      <Loaded asked={asked}>
        {({ read, write, bots, channels }) => (
          <>
            <Grants title="May read" grants={read} />
            <Grants title="May write" grants={write} />
            <Listed title="Bots" names={bots} />
            <Listed title="Channels" names={channels} />
          </>
        )}
      </Loaded>
      {isListed ? (
        <NamesOf client={client} />
      ) : (
        <div>
          <button type="button" onClick={() => setListed(true)}>
            Ask the stores for the names
          </button>
        </div>
      )}
    </Sheet>
  )
}

const Reading = ({ reference }: { readonly reference: string }) => {
  const now = useNow()
  const asked = useAsk<Readers>('/readers', { ref: reference })
  return (
    <Sheet title="Who may read this reference?">
      <Loaded asked={asked}>
        {({ readers, reference: canonical }) =>
          readers.length === 0 ? (
            <Nothing>Nobody: no rule allows it.</Nothing>
          ) : (
            <Table
              caption="Clients whom a rule allows it"
              rows={readers}
              keyOf={({ client }) => client}
              columns={[
                { title: 'Client', of: ({ client }) => <Name text={client} /> },
                {
                  title: 'By',
                  of: ({ grants }) =>
                    grants.map(({ rule, pattern }) => (
                      <div key={`${rule} ${pattern}`}>
                        rule {rule}: <Name text={pattern} />
                      </div>
                    ))
                },
                {
                  title: 'Key last used',
                  of: ({ lastUsed }) => (lastUsed === undefined ? 'never seen' : ago(lastUsed, now))
                },
                {
                  title: 'Why',
                  look: 'acts',
                  of: ({ client }) =>
                    client === '*' ? null : (
                      <a href={hashOf('access', { client, reference: canonical })}>
                        Explain
                        <Of word="for" what={client} />
                      </a>
                    )
                }
              ]}
            />
          )
        }
      </Loaded>
    </Sheet>
  )
}

export const Access = ({ query }: ViewProps) => {
  const form = useForm('access', query)
  const { client, reference } = query
  return (
    <>
      <Head title="Access" />
      <form class="sheet" onSubmit={form.go}>
        <div class="row">
          <TextField label="Client" value={form.value('client')} onText={form.set('client')} />
          <TextField
            label="Reference"
            isWide
            placeholder="store:path#field"
            value={form.value('reference')}
            onText={form.set('reference')}
          />
          <button type="submit" class="main">
            Ask
          </button>
        </div>
        <p class="hint">
          Both: why, or why not. A client alone: what it may read. A reference alone: who may read
          it. Never the value.
        </p>
      </form>
      {client && reference && <Why client={client} reference={reference} />}
      {client && !reference && <Reaching key={client} client={client} />}
      {reference && !client && <Reading reference={reference} />}
    </>
  )
}
