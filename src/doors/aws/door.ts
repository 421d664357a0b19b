/**
 * The door in the dialect of AWS Secrets Manager: every SDK and CLI of AWS reads through it by its own settings. Rule: a
 * request is signed with the secret of its key over the bytes that came, or it is that of nobody.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html
 */
import type { preValidationHookHandler } from 'fastify'
import type { AwsDoorConfig } from '../../config/door-entries.ts'
import { ProblemError } from '../../core/problem.ts'
import { routeText } from '../../core/route-text.ts'
import { callerOf } from '../../http/caller.ts'
import type { BodyParser, Door } from '../../http/door.ts'
import type { TypedFastify } from '../../http/route-auth.ts'
import type { DoorMeans } from '../means.ts'
import { type Operation, sendAnswer } from './ask.ts'
import { awsShape, MEDIA_TYPE, unknownOperation } from './errors.ts'
import { batchGetSecretValue, describeSecret, getSecretValue, listSecrets } from './reads.ts'
import { type Place, placeOf } from './secrets.ts'
import { createSignatureCheck, receivedOf, tokenIn } from './signature.ts'
import { createSecret, putSecretValue } from './writes.ts'

const DIALECT = 'aws'

declare module 'fastify' {
  interface FastifyRequest {
    /** The region that the request is signed for. Set where its signature was verified, and nowhere else. */
    signedRegion: string
  }
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  GetSecretValue: getSecretValue,
  BatchGetSecretValue: batchGetSecretValue,
  DescribeSecret: describeSecret,
  ListSecrets: listSecrets,
  PutSecretValue: putSecretValue,
  CreateSecret: createSecret
}

interface Named {
  readonly operate: Operation
  /** On record and in metrics, where one route would stand for them all. */
  readonly route: string
}

/** By X-Amz-Target. */
const BY_TARGET: ReadonlyMap<unknown, Named> = new Map(
  Object.entries(OPERATIONS).map(([name, operate]) => [
    `secretsmanager.${name}`,
    { operate, route: routeText(DIALECT, 'POST', '/', name) }
  ])
)

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
      request.route = BY_TARGET.get(headers['x-amz-target'])?.route ?? request.route
      return done()
    }
    // Whoever has the key and not its secret tries to log in.
    const refuse = (error: unknown): void => done(error as Error)
    app.failLogin(request, reply, verified).then(refuse, refuse)
  }

  const operations = Object.keys(OPERATIONS)
  app.post('/', { config: { auth, operations }, preValidation: verify }, async (request, reply) => {
    const named = BY_TARGET.get(request.headers['x-amz-target'])
    if (named === undefined) throw unknownOperation()
    const answer = await named.operate({
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
    dialect: DIALECT,
    listener: means.listener,
    parsers: { [MEDIA_TYPE]: bytesOf },
    keyIn: tokenIn,
    errorShape: awsShape,
    addRoutes: (app) => addRoute(app, place, region, means)
  }
}
