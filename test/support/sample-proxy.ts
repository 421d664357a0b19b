/** Proxies with the samples of `examples/`, ended with the test. Rule: only ports and certificates are ours. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createCertificate } from './certificate.ts'
import { createDirectory } from './embedded.ts'
import { type RunningPeer, startPeer } from './peers.ts'
import { closedPort } from './wire.ts'

export const PROXIES = ['nginx', 'caddy', 'haproxy'] as const
export type ProxyName = (typeof PROXIES)[number]

const CONFIG = {
  nginx: { file: 'nginx.conf', arguments: ['-p', '.', '-c', 'nginx.conf'] },
  caddy: { file: 'Caddyfile', arguments: ['--config', 'Caddyfile'] },
  haproxy: { file: 'haproxy.cfg', arguments: ['-f', 'haproxy.cfg'] }
} as const satisfies Record<ProxyName, unknown>

/** Replaces each text once at least, so that a sample that changed is noticed. */
const alter = (file: string, changes: readonly (readonly [string, string])[]): void => {
  let text = readFileSync(file, 'utf8')
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`)
    text = text.replaceAll(from, to)
  }
  writeFileSync(file, text)
}

const copyOf = (t: Test, example: string): string => {
  const folder = createDirectory(t)
  cpSync(join('examples', example), folder, { recursive: true })
  mkdirSync(join(folder, 'tmp'))
  return folder
}

export interface Behind {
  readonly purserPort: number
  readonly apiPort: number
  readonly internalSecret: string
}

/** The sample of `examples/forward-auth`. */
export const startForwardAuth = (
  t: Test,
  name: ProxyName,
  { purserPort, apiPort, internalSecret }: Behind
): Promise<RunningPeer> => {
  const folder = copyOf(t, 'forward-auth')
  const secrets = {
    'internal-secret.conf': `proxy_set_header X-Internal-Secret "${internalSecret}";\n`,
    'internal-secret.caddy': `header_up X-Internal-Secret "${internalSecret}"\n`,
    'internal-secret': `${internalSecret}\n`
  }
  for (const [file, text] of Object.entries(secrets)) writeFileSync(join(folder, file), text)
  const at = (port: number) => `127.0.0.1:${port}`
  return startPeer(
    t,
    name,
    (port) => {
      const file = join(folder, CONFIG[name].file)
      const asks = name === 'haproxy' ? join(folder, 'haproxy.lua') : file
      alter(asks, [[at(8700), at(purserPort)]])
      alter(file, [
        [at(8081), at(apiPort)],
        name === 'caddy' ? [':8080', `:${port}`] : [at(8080), at(port)]
      ])
      return CONFIG[name].arguments
    },
    folder
  )
}

/** A certificate for the host, which is its own authority. */
const certify = (folder: string, host: string): string => {
  const { key, cert } = createCertificate(host)
  writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 })
  writeFileSync(join(folder, 'cert.pem'), cert)
  return cert
}

export const PUBLIC_NAME = 'secrets.example.com'

/** The sample of `examples/tls-proxy`, on free ports in the place of 443 and 80. */
export const startTlsProxy = async (t: Test, name: 'nginx' | 'caddy', purserPort: number) => {
  const folder = copyOf(t, 'tls-proxy')
  const ca = certify(folder, PUBLIC_NAME)
  const plainPort = await closedPort()
  const { port } = await startPeer(
    t,
    name,
    (port) => {
      alter(join(folder, CONFIG[name].file), [
        ['127.0.0.1:8700', `127.0.0.1:${purserPort}`],
        ...(name === 'nginx'
          ? ([
              ['listen 80;', `listen 127.0.0.1:${plainPort};`],
              ['listen 443 ', `listen 127.0.0.1:${port} `]
            ] as const)
          : ([
              ['http_port 80', `http_port ${plainPort}\n\tdefault_bind 127.0.0.1`],
              ['https_port 443', `https_port ${port}`]
            ] as const))
      ])
      return CONFIG[name].arguments
    },
    folder
  )
  return { port, plainPort, ca }
}
