// No secret is anywhere in the browser: not in an answer, not in the page, not in what it keeps, in any view or act.
import type { Page, Response } from 'playwright-core'
import { test } from 'tap'
import { canaryOf } from '../../support/canary.ts'
import { signIn, startBrowser } from '../../support/console-browser.ts'
import { startConsole, WRITTEN } from '../../support/console-service.ts'
import { VIEWS } from '../../support/console-views.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'

/** All that a script of the page could find: the document, what is typed, what is kept, where it is. */
const EVERYTHING = `(async () => JSON.stringify([
  document.documentElement.outerHTML,
  document.documentElement.innerText,
  [...document.querySelectorAll('input, textarea, select')].map(({ value }) => value),
  { ...localStorage },
  { ...sessionStorage },
  document.cookie,
  await indexedDB.databases(),
  typeof caches === 'undefined' ? [] : await caches.keys(),
  history.state,
  location.href,
  window.name
]))()`

/** The first event of the stream that the overview has open, whose answer does not end. */
const FIRST_EVENT = `(async () => {
  const { body } = await fetch('/console/api/overview/stream')
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  while (!text.includes('data: ')) {
    const { value, done } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  await reader.cancel()
  return text
})()`

interface Heard {
  readonly what: string
  readonly text: Promise<string>
}

const textOf = async (response: Response): Promise<string> => {
  const { 'set-cookie': _, ...headers } = await response.allHeaders()
  return JSON.stringify(headers) + (await response.text())
}

/** Every answer but those of streams, each with what was asked. */
const listen = (page: Page): Heard[] => {
  const heard: Heard[] = []
  page.on('response', (response) => {
    const request = response.request()
    if (request.url().endsWith('/stream')) return
    const what = `${request.method()} ${new URL(request.url()).pathname}`
    // A page that was left has taken its answers with it.
    heard.push({ what, text: textOf(response).catch(() => '') })
  })
  return heard
}

test('no secret, no setting and no key is in an answer, in the page or in what the browser keeps', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const service = await startConsole(t)
  const { ENCRYPTION_KEYS, INTERNAL_SECRET, JWT_SECRET } = service.variables
  const { METRICS_TOKEN, OIDC_CLIENT_SECRET } = service.variables
  const written = `${service.canary.token}-new`
  const secrets = new Map(
    Object.entries({
      'a value of a store': service.canary.token,
      'a secret of a channel': service.lineSecret,
      'a credential of the file': WRITTEN,
      ENCRYPTION_KEYS,
      INTERNAL_SECRET,
      JWT_SECRET,
      METRICS_TOKEN,
      OIDC_CLIENT_SECRET,
      "an administrator's key": service.key,
      'a key of mode r': service.reader,
      "a client's key": service.shop
    }).map(([name, text = '']) => [name, canaryOf(text)] as const)
  )
  for (const [name, { token }] of secrets) t.ok(token.length >= 16, name)
  const visitor = await startBrowser(t, service.url)
  const tab = await visitor.open()
  const { page, faults } = tab
  const heard = listen(page)
  const look = async (text: string, what: string): Promise<void> => {
    for (const [name, secret] of secrets) t.same(secret.findIn(text), [], `${what}: ${name}`)
  }
  const lookAtPage = async (what: string): Promise<void> =>
    look((await page.evaluate(EVERYTHING)) as string, what)

  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await lookAtPage('sign-in')
  await signIn(tab, service.key)
  await page.getByRole('navigation').waitFor()
  const [cookie] = await visitor.context.cookies()
  secrets.set('the session', canaryOf(cookie?.value ?? 'there is no cookie'))
  for (const { name, hash, shows } of VIEWS) {
    await page.goto(`${service.url}/console${hash}`)
    await shows(page)
    await lookAtPage(name)
  }
  await look((await page.evaluate(FIRST_EVENT)) as string, 'the stream')

  await page.goto(`${service.url}/console#/stores`)
  await page.getByRole('button', { name: 'Write a new version' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reference').fill('local:shop/db')
  await dialog.getByLabel('Value').fill(written)
  await dialog.getByLabel('Your own key').fill(service.key)
  await dialog.getByRole('button', { name: 'Write', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await lookAtPage('after a write')

  await page.goto(`${service.url}/console#/keys`)
  await page.getByRole('button', { name: 'Issue a key' }).click()
  await dialog.getByLabel('Client').fill('newcomer')
  await dialog.getByLabel('Scopes').fill('aura-services:secrets')
  await dialog.getByLabel('Your own key').fill(service.key)
  await dialog.getByRole('button', { name: 'Issue', exact: true }).click()
  const issued = (await page.locator('[data-issued]').textContent()) ?? ''
  t.match(issued, /^purser_/)
  await lookAtPage('with a key that is shown')
  await page.getByRole('button', { name: 'Done' }).click()
  await dialog.waitFor({ state: 'detached' })
  secrets.set('the issued key', canaryOf(issued))
  await lookAtPage('after a key was shown')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You are signed out.').waitFor()
  await lookAtPage('signed out')

  const showed: string[] = []
  let readable = 0
  for (const { what, text } of heard) {
    const answer = await text
    if (answer !== '') readable++
    if (canaryOf(issued).findIn(answer).length === 0) await look(answer, what)
    else showed.push(what)
  }
  t.ok(readable > heard.length / 2, `${readable} of ${heard.length} answers were read`)
  t.same(showed, ['POST /console/api/v1/admin/keys'], 'the issued key is in its one answer')
  const asked = new Set(heard.map(({ what }) => what))
  for (const view of ['doctor', 'names', 'integrations', 'audit/place', 'reach', 'readers']) {
    t.ok(asked.has(`GET /console/api/${view}`), view)
  }
  t.ok(asked.has('POST /console/api/channels/web/try'))
  t.same(faults, [], 'no other origin was asked')
})
