/** nginx with the sample configuration of `examples/forward-auth`, ended with the test. Rule: only its ports are changed. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createDirectory } from './embedded.ts'
import { type RunningPeer, startPeer } from './peers.ts'

export interface Behind {
  readonly purserPort: number
  readonly apiPort: number
  readonly internalSecret: string
}

export const startNginx = (
  t: Test,
  { purserPort, apiPort, internalSecret }: Behind
): Promise<RunningPeer> => {
  const folder = createDirectory(t)
  cpSync('examples/forward-auth', folder, { recursive: true })
  mkdirSync(join(folder, 'tmp'))
  writeFileSync(
    join(folder, 'internal-secret.conf'),
    `proxy_set_header X-Internal-Secret "${internalSecret}";\n`
  )
  return startPeer(t, 'nginx', (port) => {
    const file = join(folder, 'nginx.conf')
    const sample = readFileSync(file, 'utf8')
    const ports = { '8700': purserPort, '8081': apiPort, '8080': port }
    const text = sample.replace(
      /127\.0\.0\.1:(8700|8081|8080)\b/g,
      (_all, known: keyof typeof ports) => `127.0.0.1:${ports[known]}`
    )
    writeFileSync(file, text)
    return ['-p', folder, '-c', 'nginx.conf']
  })
}
