/**
 * Tokens for channels: one for each user who asks. Rule: who may use the channel is decided before anything else, a
 * token is never kept or shared, and that one was issued is on record before it leaves.
 */
import { randomBytes } from 'node:crypto'
import { createRecorder, type RecorderOptions } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import type { ChannelSpec } from '../core/channel.ts'
import { ProviderFault } from '../core/fault.ts'
import { denied, ProblemError, toProblem } from '../core/problem.ts'
import type { Sensitive } from '../core/secret.ts'
import type { Rules } from '../secrets/terms.ts'
import {
  type ChannelSecretsOptions,
  createWithSecret,
  faultFacts,
  type WithSecret
} from './channel-secrets.ts'
import type { ChatUser, Conversation, DirectLine } from './direct-line.ts'

export interface IssuedToken extends Conversation {
  /** What a client of Direct Line takes as its `domain`. */
  readonly domain: string
}

export interface ChannelsOptions extends RecorderOptions, ChannelSecretsOptions {
  readonly rules: () => Rules
  /**
   * The same object for as long as the channel is the same: what is remembered of a channel is remembered by its
   * object.
   */
  readonly channel: (name: string) => ChannelSpec | undefined
  readonly directLine: DirectLine
}

export interface Channels {
  /** Rejects with a ProblemError. */
  readonly issueToken: (
    caller: Caller,
    name: string,
    user: Partial<ChatUser> | undefined
  ) => Promise<IssuedToken>
  /**
   * For administrators, who need no rule for it: a token is asked for, and thrown away. Rejects with a ProblemError.
   */
  readonly tryToken: (caller: Caller, name: string) => Promise<void>
  /** Rejects with a ProblemError. */
  readonly refreshToken: (
    caller: Caller,
    name: string,
    token: Sensitive<string>
  ) => Promise<IssuedToken>
}

/** With more at once, one flood would have Direct Line throttle the whole site, and everybody's chats. */
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

/** Runs so many at once for each channel, and refuses the others. */
const createChannelLimit = () => {
  const underWay = new WeakMap<ChannelSpec, number>()
  return async <T>(channel: ChannelSpec, work: () => Promise<T>): Promise<T> => {
    const others = underWay.get(channel) ?? 0
    if (others >= UNDER_WAY_MAX) throw new ProblemError('overloaded', { retryAfter: 1 })
    underWay.set(channel, others + 1)
    try {
      return await work()
    } finally {
      underWay.set(channel, (underWay.get(channel) ?? 1) - 1)
    }
  }
}

const generate = (
  directLine: DirectLine,
  withSecret: WithSecret,
  caller: Caller,
  channel: ChannelSpec,
  asked: Partial<ChatUser> | undefined
): Promise<Conversation> => {
  const { kind, endpoint, trustedOrigins } = channel
  if (kind === 'webchat') {
    if (asked !== undefined) throw unsupported('/body/user', 'tokens of this channel have no user')
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

const refresh = (
  { directLine, timeoutMs }: ChannelsOptions,
  { kind, endpoint }: ChannelSpec,
  token: Sensitive<string>
): Promise<Conversation> => {
  if (kind === 'webchat') {
    const detail = 'tokens of this channel are renewed by the page they are for'
    throw unsupported('/body/token', detail)
  }
  const call = { signal: AbortSignal.timeout(timeoutMs) }
  return directLine.refresh(endpoint, token, call).catch((error: unknown) => {
    throw refreshProblem(error)
  })
}

/** On record with a token that an administrator tried, which nobody was given. */
export const TRIED = 'tried'

/** What a token is asked for, and of whom. */
interface Provision {
  readonly action: 'token.issue' | 'token.refresh'
  /** For the record. */
  readonly reason?: string
  /** Throws a ProblemError. */
  readonly choose: (caller: Caller, name: string) => ChannelSpec
}

export const createChannels = (options: ChannelsOptions): Channels => {
  const { rules, channel: find, directLine, log } = options
  const recorder = createRecorder(options)
  const withinLimit = createChannelLimit()
  const withSecret = createWithSecret(options)

  const allowed = ({ client }: Caller, name: string): ChannelSpec => {
    if (!rules().policy.mayUse(client, 'channels', name)) throw denied('no_rule')
    const channel = find(name)
    if (channel === undefined) throw denied('unknown_channel')
    return channel
  }

  const configured = (name: string): ChannelSpec => {
    const channel = find(name)
    if (channel !== undefined) return channel
    throw new ProblemError('invalid_request', { detail: 'there is no such channel' })
  }

  const provide = async (
    caller: Caller,
    name: string,
    { action, reason, choose }: Provision,
    work: (caller: Caller, channel: ChannelSpec) => Promise<Conversation>
  ): Promise<IssuedToken> => {
    // The route asked for mode w; to read its own secret is the channel's business.
    const reader: Caller = { ...caller, mode: 'r' }
    const object = `channel ${name}`
    let issued: IssuedToken
    try {
      const channel = choose(caller, name)
      const conversation = await withinLimit(channel, () => work(reader, channel))
      issued = { ...conversation, domain: domainOf(channel) }
    } catch (error) {
      const isFault = error instanceof ProviderFault
      if (isFault) log('warn', 'Direct Line failed', faultFacts(caller, name, error))
      const problem = isFault ? toProblem(error) : error
      throw await recorder.failed(caller, action, undefined, problem, { object, reason })
    }
    await recorder.allowed(caller, action, undefined, { object, reason })
    return issued
  }
  const issue: Provision = { action: 'token.issue', choose: allowed }
  const trial: Provision = {
    action: 'token.issue',
    reason: TRIED,
    choose: (_, name) => configured(name)
  }

  return {
    issueToken: (caller, name, user) =>
      provide(caller, name, issue, (reader, channel) =>
        generate(directLine, withSecret, reader, channel, user)
      ),
    tryToken: async (caller, name) => {
      await provide(caller, name, trial, (reader, channel) =>
        generate(directLine, withSecret, reader, channel, undefined)
      )
    },
    refreshToken: (caller, name, token) =>
      provide(
        caller,
        name,
        { action: 'token.refresh', choose: allowed },
        async (_caller, channel) => refresh(options, channel, token)
      )
  }
}
