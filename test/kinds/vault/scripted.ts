/** A server that grants every login to Vault and answers the rest as a test says: for what OpenBao cannot be made to do. */
import { createServer } from 'node:http'
import type { Test } from 'tap'
import { vault } from '../../../src/kinds/vault/index.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { listen } from '../../support/wire.ts'

export interface ScriptedRequest {
  /** Method, path and query. */
  readonly line: string
  readonly body: string
}

/** A status and a JSON body; `reset` drops the connection, `silence` never answers. */
export type ScriptedAnswer = readonly [status: number, body: unknown] | 'reset' | 'silence'

export const refusal = (status: number, ...errors: string[]): ScriptedAnswer => [status, { errors }]

const GRANT = { auth: { client_token: 'granted', lease_duration: 3600, renewable: false } }

/** A provider on such a server; `seen` are the requests other than logins. */
export const openScriptedVault = async (
  t: Test,
  answerTo: (request: ScriptedRequest, n: number) => ScriptedAnswer,
  loginTo: (n: number) => ScriptedAnswer = () => [200, GRANT]
) => {
  const seen: ScriptedRequest[] = []
  let logins = 0
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const line = `${incoming.method} ${incoming.url}`
    const request = { line, body: Buffer.concat(chunks).toString() }
    const isLogin = line === 'POST /v1/auth/approle/login'
    if (!isLogin) seen.push(request)
    const answer = isLogin ? loginTo(++logins) : answerTo(request, seen.length)
    if (answer === 'silence') return
    if (answer === 'reset') response.socket?.resetAndDestroy()
    else response.writeHead(answer[0]).end(JSON.stringify(answer[1]))
  })
  const deps = createDeps()
  const provider = await vault.connect(
    {
      address: `http://127.0.0.1:${await listen(t, server)}`,
      mounts: [
        { path: 'secret', version: 2 },
        { path: 'kv1', version: 1 }
      ],
      auth: { method: 'approle', roleId: 'a-role' }
    },
    deps
  )
  t.teardown(() => provider.close())
  return { provider, seen, deps }
}
