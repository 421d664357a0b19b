// The cookie of a session opens the routes of sessions and of the console, and no other of all the routes there are.
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { parse } from 'yaml'
import { openBrowser } from '../support/administrator.ts'
import { buildTestApp } from '../support/build-app.ts'
import { randomSecret } from '../support/keys.ts'
import { assertProblem } from '../support/problem.ts'

interface Operation {
  readonly security: readonly Readonly<Record<string, unknown>>[]
}
const document: { readonly paths: Record<string, Record<string, Operation>> } = parse(
  readFileSync('openapi.yaml', 'utf8')
)
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, { security }]) => ({
    method: method.toUpperCase(),
    url: path.replaceAll(/\{\w+\}/g, 'name'),
    takesSession: security.some((scheme) => 'session' in scheme),
    isOpen: security.length === 0
  }))
)

/** Whatever else takes one belongs to the console. */
const OF_SESSIONS = ['GET /v1/sessions', 'DELETE /v1/sessions', 'GET /v1/sessions/oidc/again']

const YAML =
  'stores: [{ name: local, kind: local }]\npolicies: [{ client: admin, read: ["local:**"] }]'

test('the cookie opens the routes that declare it, which are those of sessions and of the console', async (t) => {
  const env = { JWT_SECRET: randomSecret(), DOCS_ENABLED: 'true', ALLOW_ADMIN_WRITE: 'true' }
  const built = await buildTestApp(t, { yaml: YAML, env })
  const { key } = await built.as('admin', 'rw', { scopes: ['aura-admin', 'aura-services'] })
  const browser = openBrowser(built)
  await browser.signIn(key)
  const cookies = new Map(browser.cookies)
  t.equal(cookies.size, 1)
  const asked = async (method: string, url: string, headers: Record<string, string> = {}) => {
    const answer = await browser.ask(method, url, { headers })
    const code = answer.body.startsWith('{') ? (answer.json().code ?? '') : ''
    return { answer, told: { status: answer.statusCode, code } }
  }
  const withCookie = async (method: string, url: string, headers?: Record<string, string>) => {
    for (const [name, value] of cookies) browser.cookies.set(name, value)
    return asked(method, url, headers)
  }
  const withoutCookie = async (method: string, url: string) => {
    browser.cookies.clear()
    return asked(method, url)
  }
  t.ok(operations.length > 30, 'all routes are looked at')
  const opened: string[] = []
  for (const { method, url, takesSession, isOpen } of operations) {
    const what = `${method} ${url}`
    if (takesSession) {
      opened.push(what)
      const { answer } = await withCookie(method, url, { 'x-api-key': key })
      assertProblem(t, answer, { code: 'conflicting_credentials', what })
      const alone = await withoutCookie(method, url)
      t.same(alone.told, { status: 401, code: 'session_required' }, what)
      continue
    }
    const { told } = await withCookie(method, url)
    t.same(told, (await withoutCookie(method, url)).told, `${what} does not look at it`)
    if (!isOpen) t.equal(told.status, 401, what)
  }
  const others = opened.filter((what) => !OF_SESSIONS.includes(what))
  t.same(
    others.filter((what) => !/^[A-Z]+ \/console(?:\/|$)/.test(what)),
    []
  )
  t.same(opened.length - others.length, OF_SESSIONS.length)
  const { answer } = await withCookie('GET', '/v1/sessions')
  t.equal(answer.statusCode, 200, 'it was a session all the time')
})
