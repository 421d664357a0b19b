/** Tokens of channels. Rule: what leaves here is a token for one conversation, never a channel's secret. */
import type { Static } from 'typebox'
import { Sensitive } from '../../core/secret.ts'
import type { Channels, IssuedToken } from '../../integrations/channels.ts'
import { callerOf } from '../caller.ts'
import type { TypedFastify } from '../route-auth.ts'
import { ChannelParams, IssueTokenBody, RefreshTokenBody, TokenAnswer } from './channels-schemas.ts'

const config = { auth: { kind: 'key', scope: 'token' } } as const

const answerOf = (issued: IssuedToken): Static<typeof TokenAnswer> => {
  const { token, conversationId, expiresIn, userId, domain } = issued
  return {
    ...(conversationId !== undefined && { conversationId }),
    token: token.reveal(),
    ...(expiresIn !== undefined && { expires_in: expiresIn }),
    ...(userId !== undefined && { userId }),
    domain
  }
}

export interface ChannelRoutesOptions {
  readonly channels: Channels
}

export const addChannelRoutes = (app: TypedFastify, { channels }: ChannelRoutesOptions): void => {
  app.post(
    '/v1/channels/:name/tokens',
    {
      config,
      // Who has nothing to say of the user need not send a body.
      preValidation: async (request) => {
        if (request.body === undefined) request.body = {}
      },
      schema: {
        operationId: 'issueToken',
        summary: 'A Direct Line token for one user and one conversation',
        params: ChannelParams,
        body: IssueTokenBody,
        response: { 200: TokenAnswer }
      }
    },
    async (request) => {
      const { user } = request.body
      return answerOf(await channels.issueToken(callerOf(request), request.params.name, user))
    }
  )

  app.post(
    '/v1/channels/:name/tokens/refresh',
    {
      config,
      schema: {
        operationId: 'refreshToken',
        summary: 'A new token of the same conversation, before the old one expires',
        params: ChannelParams,
        body: RefreshTokenBody,
        response: { 200: TokenAnswer }
      }
    },
    async (request) => {
      const token = new Sensitive(request.body.token)
      return answerOf(await channels.refreshToken(callerOf(request), request.params.name, token))
    }
  )
}
