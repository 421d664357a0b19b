/**
 * The door in the dialect of AWS Secrets Manager: every SDK and CLI of AWS reads through it by its own settings. Rule: a
 * request is signed with the secret of its key over the bytes that came, or it is that of nobody.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html
 */
import type { preValidationHookHandler } from 'fastify'
import type { AwsDoorConfig } from '../../config/door-entries.ts'
import { ProblemError } from '../../core/problem.ts'
import { callerOf } from '../../http/caller.ts'
import type { BodyParser, Door } from '../../http/door.ts'
import type { TypedFastify } from '../../http/route-auth.ts'
import type { DoorMeans } from '../means.ts'
import { type Operation, sendAnswer } from './ask.ts'
import { awsShape, MEDIA_TYPE, unknownOperation } from './errors.ts'
import { batchGetSecretValue, describeSecret, getSecretValue, listSecrets } from './reads.ts'
import { operationIn } from './request.ts'
import { type Place, placeOf } from './secrets.ts'
import { createSignatureCheck, receivedOf, tokenIn } from './signature.ts'
import { createSecret, putSecretValue } from './writes.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The region that the request is signed for. Set where its signature was verified, and nowhere else. */
    signedRegion: string
  }
}

const OPERATIONS: ReadonlyMap<string | undefined, Operation> = new Map([
  ['GetSecretValue', getSecretValue],
  ['BatchGetSecretValue', batchGetSecretValue],
  ['DescribeSecret', describeSecret],
  ['ListSecrets', listSecrets],
  ['PutSecretValue', putSecretValue],
  ['CreateSecret', createSecret]
])

/** A signature is of bytes: what they mean is looked at once they are known to be the caller's. */
const bytesOf: BodyParser = ({ headers }, body) => {
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new ProblemError('unsupported_media_type')
  }
  return body
}

const auth = { kind: 'key', scope: 'secrets', anyMode: true } as const

const addRoute = (
  app: TypedFastify,
  place: Place,
  region: string | undefined,
  means: DoorMeans
) => {
  const check = createSignatureCheck(means)
  app.decorateRequest('signedRegion', '')

  const verify: preValidationHookHandler = (request, reply, done) => {
    const { principal, headers } = request
    if (principal === null) return done(new ProblemError('authentication_required'))
    const verified = check(principal, receivedOf(request), headers.authorization ?? '')
    if (!(verified instanceof ProblemError)) {
      request.signedRegion = verified.region
      return done()
    }
    // Whoever has the key and not its secret tries to log in.
    const refuse = (error: unknown): void => done(error as Error)
    app.failLogin(request, reply, verified).then(refuse, refuse)
  }

  app.post('/', { config: { auth }, preValidation: verify }, async (request, reply) => {
    const operate = OPERATIONS.get(operationIn(request.headers['x-amz-target']))
    if (operate === undefined) throw unknownOperation()
    const answer = await operate({
      place,
      request,
      reply,
      caller: callerOf(request),
      body: receivedOf(request).body,
      region: region ?? request.signedRegion
    })
    return sendAnswer({ request, reply }, answer)
  })
}

export const awsDoor = ({ target, region }: AwsDoorConfig, means: DoorMeans): Door => {
  const place = placeOf(target, means)
  return {
    name: 'aws',
    dialect: 'aws',
    listener: means.listener,
    parsers: { [MEDIA_TYPE]: bytesOf },
    keyIn: tokenIn,
    errorShape: awsShape,
    addRoutes: (app) => addRoute(app, place, region, means)
  }
}
