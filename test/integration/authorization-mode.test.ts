// A key that writes reads nothing.
import { test } from 'tap'
import { buildTestApp } from '../support/build-app.ts'
import { createCanary } from '../support/canary.ts'
import { issueKey } from '../support/keys.ts'

const YAML = `
stores: [{ name: alpha, kind: local }]
policies: [{ client: everything, read: ['alpha:**'], write: ['alpha:**'] }]
secrets: { short-a: alpha:team-a/one#first }
`

test('a key of mode w writes and reads nothing, by any method of any route', async (t) => {
  const app = await buildTestApp(t, { yaml: YAML })
  const canary = createCanary()
  await app.seed('alpha', 'team-a/one', JSON.stringify({ first: canary.token, second: 'x' }))
  const key = await issueKey(app.keyring, 'everything', 'w')
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const bodies = [
    undefined,
    '{"refs":["alpha:team-a/one"]}',
    '{"value":"new"}',
    '{"data":{}}',
    '{"ref":"alpha:team-a/one"}'
  ]
  const urls = [
    '/v1/secrets?ref=alpha:team-a/one',
    '/v1/secrets?ref=alpha:team-a/one?version=1',
    '/v1/secrets/short-a',
    '/v1/secrets/batch?ref=alpha:team-a/one',
    '/v1/secrets/batch',
    '/v1/whoami'
  ]
  let written = 0
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
    for (const url of urls) {
      for (const payload of bodies) {
        const answer = await app.app.server.inject({
          method,
          url,
          headers,
          ...(payload && { payload })
        })
        t.same(canary.findIn(`${answer.body}${JSON.stringify(answer.headers)}`), [])
        if (answer.statusCode === 200) {
          t.equal(method, 'PUT')
          t.same(Object.keys(JSON.parse(answer.body)), ['ref', 'version'])
          written++
        }
      }
    }
  }
  t.equal(written, 2)
})
