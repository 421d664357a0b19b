/** On which ports of this machine somebody listens, as Linux tells it (proc_net(5)). */
import type { Machine } from './machine.ts'

export interface Listening {
  /** IPv4 in its own form, also where it is written as IPv6. */
  readonly address: string
  readonly port: number
}

const LISTENING = '0A'

/** Words of 32 bits, each with its last byte first. */
const bytesOf = (hex: string): Buffer => {
  const bytes = Buffer.from(hex, 'hex')
  return bytes.length % 4 === 0 ? bytes.swap32() : bytes
}

const MAPPED = /^0{20}ffff/
const isEmpty = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0)

const addressOf = (hex: string): string => {
  const bytes = bytesOf(hex)
  const v4 = MAPPED.test(bytes.toString('hex')) ? bytes.subarray(12) : bytes
  if (v4.length === 4) return v4.join('.')
  if (isEmpty(bytes)) return '::'
  return isEmpty(bytes.subarray(0, 15)) && bytes[15] === 1 ? '::1' : bytes.toString('hex')
}

/** Undefined where the system does not tell. */
export const listeningOn = (machine: Pick<Machine, 'text'>): readonly Listening[] | undefined => {
  const texts = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => machine.text(path) ?? [])
  if (texts.length === 0) return undefined
  return texts
    .flatMap((text) => text.split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === LISTENING)
    .map(([, local = '']) => {
      const [address = '', port = ''] = local.split(':')
      return { address: addressOf(address), port: Number.parseInt(port, 16) }
    })
}
