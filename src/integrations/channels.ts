/**
 * Tokens for channels: one for each user who asks. Rule: who may use the channel is decided before anything else, a token
 * is never kept or shared, and that one was issued is on record before it leaves.
 */
import { randomBytes } from 'node:crypto'
import { createRecorder, type RecorderOptions } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import type { ChannelSpec } from '../core/channel.ts'
import { ProviderFault } from '../core/fault.ts'
import { denied, ProblemError, toProblem } from '../core/problem.ts'
import { Sensitive } from '../core/secret.ts'
import type { CallOptions } from '../kinds/provider.ts'
import type { Broker } from '../secrets/broker.ts'
import type { Rules } from '../secrets/caller.ts'
import type { ChatUser, Conversation, DirectLine } from './direct-line.ts'
import { createSecretOrder } from './secret-order.ts'

export interface IssuedToken extends Conversation {
  /** What a client of Direct Line takes as its `domain`. */
  readonly domain: string
}

export interface ChannelsOptions extends RecorderOptions {
  readonly rules: () => Rules
  /** The same object for as long as the channel is the same: what is remembered of it is remembered by that. */
  readonly channel: (name: string) => ChannelSpec | undefined
  readonly readSecret: Broker['readSecret']
  readonly directLine: DirectLine
  /** Total deadline of what is asked of Direct Line for one token. */
  readonly timeoutMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Channels {
  /** Rejects with a ProblemError. */
  readonly issueToken: (
    caller: Caller,
    name: string,
    user: Partial<ChatUser> | undefined
  ) => Promise<IssuedToken>
  /** Rejects with a ProblemError. */
  readonly refreshToken: (
    caller: Caller,
    name: string,
    token: Sensitive<string>
  ) => Promise<IssuedToken>
}

/** Beyond it a flood would have the whole site throttled by Direct Line, and everybody's chats with it. */
const UNDER_WAY_MAX = 16

/** Nobody guesses a user's id, and with it a seat in somebody's conversation. */
export const newUserId = (): string => `dl_${randomBytes(16).toString('hex')}`

const unsupported = (pointer: string, detail: string): ProblemError =>
  new ProblemError('invalid_request', { detail, errors: [{ pointer, rule: 'unsupported' }] })

const userFor = ({ takesUserIds }: ChannelSpec, user: Partial<ChatUser> = {}): ChatUser => {
  if (user.id !== undefined && !takesUserIds) {
    throw unsupported('/body/user/id', 'the channel gives out the ids of its users itself')
  }
  return { id: user.id ?? newUserId(), ...(user.name !== undefined && { name: user.name }) }
}

const domainOf = ({ kind, endpoint }: ChannelSpec): string =>
  kind === 'webchat' ? endpoint : `${endpoint}/v3/directline`

/** The channel's own secret is at fault then, not the caller: who is told of a missing one would look for it in vain. */
const OPERATORS_OWN = new Set([
  'secret_not_found',
  'field_not_found',
  'field_required',
  'access_denied',
  'invalid_reference'
])

const asChannelFault = (error: unknown): ProblemError => {
  const problem = toProblem(error)
  return OPERATORS_OWN.has(problem.code) ? new ProblemError('store_misconfigured') : problem
}

const refreshProblem = (error: unknown): unknown => {
  if (!(error instanceof ProviderFault)) return error
  if (error.reason !== 'denied' && error.status !== 400) return error
  return new ProblemError('invalid_request', {
    detail:
      error.code === 'TokenExpired'
        ? 'the token has expired: ask for a new one'
        : 'the token is not accepted: ask for a new one',
    errors: [{ pointer: '/body/token', rule: 'refused' }]
  })
}

export const createChannels = (options: ChannelsOptions): Channels => {
  const { rules, channel: find, readSecret, directLine, timeoutMs, log, now } = options
  const recorder = createRecorder(options)
  const order = createSecretOrder(now)
  const underWay = new WeakMap<ChannelSpec, number>()

  const within = async <T>(channel: ChannelSpec, work: () => Promise<T>): Promise<T> => {
    const others = underWay.get(channel) ?? 0
    if (others >= UNDER_WAY_MAX) throw new ProblemError('overloaded', { retryAfter: 1 })
    underWay.set(channel, others + 1)
    try {
      return await work()
    } finally {
      underWay.set(channel, (underWay.get(channel) ?? 1) - 1)
    }
  }

  const allowed = ({ client }: Caller, name: string): ChannelSpec => {
    if (!rules().policy.mayUse(client, 'channels', name)) throw denied('no_rule')
    const channel = find(name)
    if (channel === undefined) throw denied('unknown_channel')
    return channel
  }

  const secretOf = async (
    caller: Caller,
    name: string,
    text: string
  ): Promise<Sensitive<string>> => {
    const { view } = await readSecret(caller, { text }, { grant: { by: `channel ${name}` } })
    const { selection } = view
    if ('value' in selection) return new Sensitive(selection.value.reveal().trim())
    throw new ProblemError('field_required')
  }

  const warn = (
    { requestId }: Caller,
    channel: string,
    message: string,
    { reason, status, code }: ProviderFault,
    facts: { readonly secret?: number } = {}
  ): void =>
    log('warn', message, {
      requestId,
      channel,
      ...facts,
      reason,
      ...(status !== undefined && { status }),
      ...(code !== undefined && { code })
    })

  /** With the first secret that can be read and is accepted; any other failure is the answer, whatever secrets there are. */
  const withSecret = async (
    caller: Caller,
    channel: ChannelSpec,
    work: (secret: Sensitive<string>, options: CallOptions) => Promise<Conversation>
  ): Promise<Conversation> => {
    let unread: ProblemError | undefined
    let signal: AbortSignal | undefined
    for (const index of order.of(channel)) {
      let secret: Sensitive<string>
      try {
        secret = await secretOf(caller, channel.name, channel.secrets[index] ?? '')
      } catch (error) {
        const { code } = toProblem(error)
        const { requestId } = caller
        const facts = { requestId, channel: channel.name, secret: index + 1, code }
        log('warn', 'a secret of a channel cannot be read', facts)
        unread = asChannelFault(error)
        continue
      }
      // It begins with the first call: how long a store takes has a deadline of its own.
      signal ??= AbortSignal.timeout(timeoutMs)
      try {
        const conversation = await work(secret, { signal })
        order.worked(channel, index)
        return conversation
      } catch (error) {
        if (!(error instanceof ProviderFault) || error.reason !== 'denied') throw error
        const message = 'Direct Line does not accept a secret of a channel'
        warn(caller, channel.name, message, error, { secret: index + 1 })
      }
    }
    throw unread ?? new ProblemError('directline_rejected')
  }

  const generate = (
    caller: Caller,
    channel: ChannelSpec,
    asked: Partial<ChatUser> | undefined
  ): Promise<Conversation> => {
    const { kind, endpoint, trustedOrigins } = channel
    if (kind === 'webchat') {
      if (asked !== undefined)
        throw unsupported('/body/user', 'tokens of this channel have no user')
      return withSecret(caller, channel, (secret, call) =>
        directLine.generateForWebChat(endpoint, secret, call)
      )
    }
    const user = userFor(channel, asked)
    return withSecret(caller, channel, async (secret, call) => ({
      ...(await directLine.generate(endpoint, secret, { user, trustedOrigins }, call)),
      userId: user.id
    }))
  }

  const refresh = (channel: ChannelSpec, token: Sensitive<string>): Promise<Conversation> => {
    if (channel.kind === 'webchat') {
      throw unsupported(
        '/body/token',
        'tokens of this channel are renewed by the page they are for'
      )
    }
    const call = { signal: AbortSignal.timeout(timeoutMs) }
    return directLine.refresh(channel.endpoint, token, call).catch((error: unknown) => {
      throw refreshProblem(error)
    })
  }

  const provide = async (
    caller: Caller,
    name: string,
    action: 'token.issue' | 'token.refresh',
    work: (caller: Caller, channel: ChannelSpec) => Promise<Conversation>
  ): Promise<IssuedToken> => {
    // The route asked for mode w; to read its own secret is the channel's business.
    const reader: Caller = { ...caller, mode: 'r' }
    const object = `channel ${name}`
    let issued: IssuedToken
    try {
      const channel = allowed(caller, name)
      const conversation = await within(channel, () => work(reader, channel))
      issued = { ...conversation, domain: domainOf(channel) }
    } catch (error) {
      const isFault = error instanceof ProviderFault
      if (isFault) warn(caller, name, 'Direct Line failed', error)
      const problem = isFault ? toProblem(error) : error
      throw await recorder.failed(caller, action, undefined, problem, { object })
    }
    await recorder.allowed(caller, action, undefined, { object })
    return issued
  }

  return {
    issueToken: (caller, name, user) =>
      provide(caller, name, 'token.issue', (reader, channel) => generate(reader, channel, user)),
    refreshToken: (caller, name, token) =>
      provide(caller, name, 'token.refresh', async (_caller, channel) => refresh(channel, token))
  }
}
