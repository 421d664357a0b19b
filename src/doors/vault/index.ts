/**
 * The door of Vault and OpenBao: the KV engine for the clients that people already run, with an API key as the token. Rule:
 * what the dialect has and this door has not is refused in the dialect's words, and never answered as if it had not been
 * asked for.
 */
import type { VaultDoorConfig } from '../../config/door-entries.ts'
import { ProblemError } from '../../core/problem.ts'
import type { Door } from '../../http/door.ts'
import type { TypedFastify } from '../../http/route-auth.ts'
import { bare, doorKeyFinder } from '../key-headers.ts'
import type { DoorMeans } from '../means.ts'
import { parseBody } from './bodies.ts'
import { vaultErrors } from './errors.ts'
import { addKvRoutes } from './kv.ts'
import { addSystemRoutes } from './system.ts'
import { addTokenRoutes } from './tokens.ts'

const keyIn = doorKeyFinder({
  'x-vault-token': bare,
  authorization: (value) => /^Bearer +(.+)$/i.exec(value)?.[1]
})

/**
 * A namespace is another tree, and a wrapped answer is not the value: who asks for one of them must not be given something
 * else.
 */
const refuseHeaders = (app: TypedFastify): void => {
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.routeOptions.config.auth?.kind === 'open' && request.method === 'GET') return done()
    const { 'x-vault-namespace': namespace = '', 'x-vault-wrap-ttl': wrap = '' } = request.headers
    if (namespace !== '') return done(new ProblemError('access_denied'))
    if (wrap !== '' && wrap !== '0') {
      return done(
        new ProblemError('invalid_request', { detail: 'response wrapping is not supported' })
      )
    }
    done()
  })
}

export const vaultDoor = ({ mounts }: VaultDoorConfig, means: DoorMeans): Door => ({
  name: 'vault',
  dialect: 'vault',
  listener: means.listener,
  parsers: { '*': parseBody },
  keyIn,
  errorShape: vaultErrors,
  otherMethods: ['LIST'],
  addRoutes: (app) => {
    refuseHeaders(app)
    addSystemRoutes(app, means, mounts)
    addTokenRoutes(app, means, keyIn)
    addKvRoutes(app, means, mounts)
  }
})
