/** Bots and channels: where each credential comes from and whether it can be read; a channel's token, tried. */
import { useState } from 'preact/hooks'
import { ask } from '../lib/api.ts'
import { hashOf } from '../lib/place.ts'
import { words } from '../lib/text.ts'
import { useAct, useAsk } from '../lib/use.ts'
import { Chip } from '../pieces/chip.tsx'
import { AskedHead, Sheet } from '../pieces/frame.tsx'
import { Name } from '../pieces/name.tsx'
import { announce, Loaded, Nothing, ProblemNote } from '../pieces/notes.tsx'
import { Of } from '../pieces/of.tsx'
import { Table } from '../pieces/table.tsx'
import type { Integrations as Answer, Bot, Tried } from '../shapes-console.ts'
import type { ViewProps } from '../shell.tsx'
import { Sources } from './integrations-sources.tsx'

const origin = (from: 'file' | 'runtime'): string => (from === 'file' ? 'purser.yaml' : 'run time')

const Titled = ({ name, displayName }: Bot) => (
  <>
    <Name text={name} />
    {displayName !== undefined && displayName !== name && (
      <div class="small dim">
        <Name text={displayName} />
      </div>
    )}
  </>
)

const Bots = ({ bots }: Pick<Answer, 'bots'>) => (
  <Sheet title="Bots">
    {bots.length === 0 ? (
      <Nothing>No bot is configured.</Nothing>
    ) : (
      <Table
        caption="Each bot, and where its credentials come from"
        rows={bots}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Bot', of: Titled },
          {
            title: 'Provider',
            of: ({ provider }) => (provider === undefined ? '–' : <Name text={provider} />)
          },
          { title: 'From', of: ({ origin: from }) => origin(from) },
          { title: 'Credentials', of: (one) => <Sources kind="bots" of={one} /> }
        ]}
      />
    )}
  </Sheet>
)

const Providers = ({ providers }: Pick<Answer, 'providers'>) => (
  <Sheet title="Bot providers">
    {providers.length === 0 ? (
      <Nothing>No bot provider is configured.</Nothing>
    ) : (
      <Table
        caption="Each provider, and where the credentials come from that its bots share"
        rows={providers}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Provider', of: Titled },
          { title: 'Type', of: ({ type }) => (type === undefined ? '–' : <Name text={type} />) },
          { title: 'From', of: ({ origin: from }) => origin(from) },
          { title: 'Credentials', of: (one) => <Sources kind="providers" of={one} /> }
        ]}
      />
    )}
  </Sheet>
)

const Try = ({ name }: { readonly name: string }) => {
  const [tried, setTried] = useState<Tried>()
  const { isBusy, problem, run } = useAct()
  const attempt = async (): Promise<void> => {
    setTried(undefined)
    const path = `/channels/${encodeURIComponent(name)}/try`
    const outcome = await ask<Tried>(path, { method: 'POST', body: {} })
    setTried(outcome)
    announce(outcome.accepted ? 'A token was given.' : 'No token was given.')
  }
  return (
    <>
      <button type="button" class="small" disabled={isBusy} onClick={() => run(attempt)}>
        Try a token
        <Of what={name} />
      </button>
      {tried !== undefined && (
        <div>
          <Chip tone={tried.accepted ? 'good' : 'bad'}>
            {tried.accepted ? 'given, and thrown away' : words(tried.code ?? 'refused')}
          </Chip>
        </div>
      )}
      <ProblemNote problem={problem} />
    </>
  )
}

const Channels = ({
  channels,
  mayAct
}: Pick<Answer, 'channels'> & { readonly mayAct: boolean }) => (
  <Sheet title="Channels">
    {channels.length === 0 ? (
      <Nothing>No channel is configured.</Nothing>
    ) : (
      <Table
        caption="Each Direct Line channel; a token that is tried is thrown away at the server"
        rows={channels}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Channel', of: ({ name }) => <Name text={name} /> },
          { title: 'Bot', of: ({ bot }) => (bot === undefined ? '–' : <Name text={bot} />) },
          { title: 'From', of: ({ origin: from }) => origin(from) },
          {
            title: 'Endpoint',
            of: ({ endpoint, trustedOrigins }) => (
              <>
                <Name text={endpoint} />
                {trustedOrigins.map((one) => (
                  <div key={one} class="small dim">
                    for <Name text={one} />
                  </div>
                ))}
              </>
            )
          },
          { title: 'Secrets', of: (one) => <Sources kind="channels" of={one} /> },
          {
            title: 'What to do',
            look: 'acts',
            of: ({ name }) => (mayAct ? <Try name={name} /> : null)
          }
        ]}
      />
    )}
  </Sheet>
)

export const Integrations = ({ session }: ViewProps) => {
  const asked = useAsk<Answer>('/integrations')
  return (
    <>
      <AskedHead title="Bots and channels" act="Look again" asked={asked} />
      <Loaded asked={asked}>
        {({ bots, providers, channels }) => (
          <>
            <Bots bots={bots} />
            <Providers providers={providers} />
            <Channels channels={channels} mayAct={session.mode.includes('w')} />
          </>
        )}
      </Loaded>
      <p class="small dim">
        Who may use them stands in <a href={hashOf('access')}>Access</a>.
      </p>
    </>
  )
}
