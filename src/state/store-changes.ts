/**
 * What a command that changed a secret of the local store says to the services on the same Redis. Rule: a message is sealed
 * like everything else: Redis learns no name, and nobody without the encryption keys is believed.
 */
import type { Sealer } from '../crypto/sealer.ts'
import type { Shared } from './shared.ts'

export interface StoreChange {
  readonly store: string
  readonly path: string
}

const TOPIC = 'store.changed'
const CONTEXT = ['message', TOPIC]

export const sayStoreChanged = (
  shared: Shared,
  sealer: Sealer,
  { store, path }: StoreChange
): Promise<void> => {
  const envelope = sealer.seal('store', Buffer.from(JSON.stringify({ store, path })), CONTEXT)
  return shared.publish(TOPIC, envelope.toString('base64url'))
}

export const onStoreChanged = (
  shared: Shared,
  sealer: () => Sealer,
  listener: (change: StoreChange) => void
): void =>
  shared.onMessage(TOPIC, (message) => {
    const opened = sealer().open('store', Buffer.from(message, 'base64url'), CONTEXT)
    if (opened !== undefined) listener(JSON.parse(opened.toString()))
  })
