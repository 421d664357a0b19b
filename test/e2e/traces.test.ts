// The built service with OTEL_* in its .env: what it exports by its end, and how many processes do.
import { test } from 'tap'
import { openCollector } from '../support/otlp-collector.ts'
import { createConfigured, get, issueKey, serve } from '../support/purser-process.ts'
import { skipWithoutRedis } from '../support/redis.ts'
import { askAnewForText, startTeam } from '../support/worker-team.ts'

const variablesOf = (environ: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(environ).map(([name, value]) => [name, value ?? '']))

test('a service that is told to end exports what is left', async (t) => {
  const { environ, spans } = await openCollector(t, { OTEL_SERVICE_NAME: 'from-the-file' })
  const { folder } = createConfigured(t, { variables: variablesOf(environ) })
  const running = await serve(t, folder)
  t.equal((await get(`${running.url}/v1/whoami`, await issueKey(folder))).status, 200)
  running.child.kill('SIGTERM')
  t.equal((await running.ended).code, 0)
  t.same(
    spans().map(({ name }) => name),
    ['check local', 'GET /v1/whoami'],
    'with the look at its stores when it started'
  )
})

test('a collector that never answers keeps no service from its end', async (t) => {
  const patient = { OTEL_EXPORTER_OTLP_TIMEOUT: '3600000', OTEL_BSP_EXPORT_TIMEOUT: '3600000' }
  const { environ, bodies } = await openCollector(t, patient, 'slow')
  const { folder } = createConfigured(t, { variables: variablesOf(environ) })
  const running = await serve(t, folder)
  await get(`${running.url}/v1/whoami`, await issueKey(folder))
  running.child.kill('SIGTERM')
  const { code, stdout } = await running.ended
  t.equal(code, 0)
  t.equal(bodies.length, 1)
  t.notMatch(stdout, 'they are cut off')
})

test('each of several workers exports its own spans', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { environ, spans, instances } = await openCollector(t)
  const team = await startTeam(t, { variables: variablesOf(environ) })
  const key = await issueKey(team.folder)
  const headers = { authorization: `Bearer ${key}` }
  const asked = 8
  for (let n = 0; n < asked; n++) await askAnewForText(`${team.url}/v1/whoami`, headers)
  team.child.kill('SIGTERM')
  t.equal((await team.ended).code, 0)
  t.equal(spans().filter(({ name }) => name === 'GET /v1/whoami').length, asked)
  t.equal(instances().size, 2)
})

test('what is asked of traces and cannot be done is a warning of the start', async (t) => {
  const variables = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc'
  }
  const { folder } = createConfigured(t, { variables })
  const { says } = await serve(t, folder)
  await says(/"level":"warn".*OTEL_EXPORTER_OTLP_PROTOCOL: .*no traces are exported/)
})
