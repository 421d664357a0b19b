/** Clients of Dapr over HTTP. Rule: each is told where to ask, and as whom, by its environment alone. */
import { resolve } from 'node:path'
import { isInstalled, programOf } from '../peers.ts'
import { type ClientsOfDoor, type DoorClient, gives, plain, runProgram } from './client.ts'
import { openDapr, openPurser } from './dapr-worlds.ts'

const PROGRAM = resolve('build/test/support/door-clients/dapr-js-client.js')

const javaScript: DoorClient = {
  name: '@dapr/dapr 3.18.0 (Node.js)',
  available: () => isInstalled('dapr-js'),
  ask: async (one, { url, token, mount, path }) => {
    if (one === 'write') return undefined
    const does = one === 'list' ? 'bulk' : 'get'
    const env = { DAPR_HTTP_ENDPOINT: url, DAPR_API_TOKEN: token }
    const { code, out, err } = await runProgram(
      programOf('dapr-js') ?? '',
      [PROGRAM, does, mount, path],
      { env }
    )
    if (code !== 0) return { kind: `exit ${code}`, text: plain(err).slice(-200) }
    const { value, error, message = '' } = JSON.parse(out)
    return error === undefined ? gives(value) : { kind: error, text: plain(message) }
  }
}

export const DAPR: ClientsOfDoor = {
  door: 'dapr',
  product: 'the answers that Dapr documents',
  clients: [javaScript],
  needs: () => isInstalled('dapr-js'),
  openDoor: openPurser,
  openProduct: openDapr
}
