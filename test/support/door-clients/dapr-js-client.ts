/** One call of Dapr's client for JavaScript, which knows where to ask from its environment alone. */
import { createRequire } from 'node:module'
import { JAVASCRIPT } from '../peers.ts'

interface Dapr {
  readonly DaprClient: new (
    options: object
  ) => {
    readonly secret: {
      readonly get: (store: string, key: string) => Promise<unknown>
      readonly getBulk: (store: string) => Promise<unknown>
    }
    readonly stop: () => Promise<void>
  }
}

const peer = createRequire(JAVASCRIPT)
const { DaprClient } = peer('@dapr/dapr') as Dapr
// It asks sixty times whether its sidecar is there.
peer('@dapr/dapr/utils/Settings.util').Settings.daprSidecarPollingDelayMs = 1

const none = (): void => {}
const logger = { error: none, warn: none, info: none, verbose: none, debug: none }
const client = new DaprClient({ logger: { service: logger } })

const told = ({ name, message }: Error): object => {
  if (!message.startsWith('{')) return { error: `${name} ${message}`, message }
  const { status, error_msg } = JSON.parse(message) as { status: number; error_msg: string }
  return { error: `${name}, status ${status}`, message: error_msg }
}

const [, , does, store = '', key = ''] = process.argv
const asked = does === 'bulk' ? client.secret.getBulk(store) : client.secret.get(store, key)
const answer = await asked.then((value) => ({ value }), told)
process.stdout.write(JSON.stringify(answer))
await client.stop()
