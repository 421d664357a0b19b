/**
 * The door in the dialect of the AWS Secrets Manager Agent (and of the Lambda extension): `GET /secretsmanager/get`. Rule: it
 * gives what GetSecretValue gives, to who has an API key in the agent's header; what came through a proxy that nobody named
 * is refused, as there.
 */
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { Type } from 'typebox'
import type { AwsAgentDoorConfig } from '../../config/door-entries.ts'
import { ProblemError } from '../../core/problem.ts'
import { toldAddressOf } from '../../http/addresses.ts'
import { callerOf } from '../../http/caller.ts'
import type { Door } from '../../http/door.ts'
import type { TypedFastify } from '../../http/route-auth.ts'
import { bare, doorKeyFinder } from '../key-headers.ts'
import type { DoorMeans } from '../means.ts'
import { agentShape, JSON_TYPE } from './agent-errors.ts'
import { type AgentRequest, parseAgentRequest, splitAgentUrl } from './agent-request.ts'
import { secretValue } from './answers.ts'
import { sendAnswer } from './ask.ts'
import { findSecret, type Place, placeOf } from './secrets.ts'

/** The agent takes both. */
const keyIn = doorKeyFinder({ 'x-aws-parameters-secrets-token': bare, 'x-vault-token': bare })

/** ARNs name one, whoever asks. */
const REGION = 'us-east-1'

const PING = '/ping'

/**
 * Before the token is looked at, as in the agent: whoever can have a server ask for an address of his choice must not have
 * that server's agent answer.
 */
const refuseForwarded: onRequestHookHandler = (request, _reply, done) => {
  const isForwarded =
    request.headers['x-forwarded-for'] !== undefined &&
    request.routeOptions.url !== PING &&
    toldAddressOf(request) === undefined
  done(isForwarded ? new ProblemError('invalid_request', { detail: 'Forwarded' }) : undefined)
}

const auth = { kind: 'key', scope: 'secrets', discloses: true } as const
/** The parser knows the parameters. */
const schema = { querystring: Type.Record(Type.String(), Type.Unknown()) }
const PATHS = '/v1/'

const addRoutes = (app: TypedFastify, place: Place, region: string): void => {
  const answer = async (request: FastifyRequest, reply: FastifyReply, asked: AgentRequest) => {
    const { secretId, version, isFresh } = asked
    const charge = (): Promise<void> => request.server.chargeFresh(request, reply)
    const freshness = isFresh ? { maxAgeMs: 0, charge } : undefined
    const found = await findSecret(place, callerOf(request), secretId, version, freshness)
    const write = (): string => secretValue(place, region, found)
    return sendAnswer({ request, reply }, { views: [found.view], write }, JSON_TYPE)
  }

  app.addHook('onRequest', refuseForwarded)
  app.get(
    PING,
    { config: { auth: { kind: 'open', unlimited: true } }, schema },
    async (_request, reply) => reply.type('text/plain; charset=utf-8').sendShort('healthy')
  )
  const config = { auth }
  app.get('/secretsmanager/get', { config, schema }, (request, reply) =>
    answer(request, reply, parseAgentRequest(splitAgentUrl(request.raw.url ?? '', '')[1]))
  )
  app.get(`${PATHS}*`, { config, schema }, (request, reply) => {
    const [id, query] = splitAgentUrl(request.raw.url ?? '', PATHS)
    return answer(request, reply, parseAgentRequest(query, id))
  })
}

export const awsAgentDoor = (
  { target, region = REGION }: AwsAgentDoorConfig,
  means: DoorMeans
): Door => {
  const place = placeOf(target, means)
  return {
    name: 'aws-agent',
    dialect: 'aws-agent',
    listener: means.listener,
    parsers: {},
    keyIn,
    errorShape: agentShape,
    addRoutes: (app) => addRoutes(app, place, region)
  }
}
