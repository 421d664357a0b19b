// What becomes of a browser that lacks what the page expects, and of what another one reports of the page.
import { test } from 'tap'
import { barriersOn, signIn, startBrowser } from '../../support/console-browser.ts'
import { randomSecret } from '../../support/keys.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'
import { createConfigured, issueKey, serve } from '../../support/purser-process.ts'

const YAML = 'stores: [{ name: local, kind: local }]\npolicies: []\n'

test('browsers that lack something, and what they report', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const variables = {
    CONSOLE_ENABLED: 'true',
    JWT_SECRET: randomSecret(),
    AUTH_COOKIE_SECURE: 'false'
  }
  const { folder } = createConfigured(t, { yaml: YAML, variables })
  const running = await serve(t, folder)
  const key = await issueKey(folder, { client: 'admin', scopes: ['aura-admin'], mode: 'rw' })

  await t.test(
    'a browser without a feature that is expected is told so, at the sign-in and after',
    async (t) => {
      const visitor = await startBrowser(t, running.url)
      await visitor.context.addInitScript({ content: 'delete window.SecurityPolicyViolationEvent' })
      const tab = await visitor.open()
      const note = tab.page.getByText('does not know Content-Security-Policy')
      await note.waitFor()
      t.same(await barriersOn(tab), [])
      await signIn(tab, key)
      await tab.page.getByRole('heading', { name: 'Overview' }).waitFor()
      t.ok(await note.isVisible())
      t.same(await barriersOn(tab), [])
      t.same(tab.faults, [])
    }
  )

  await t.test(
    'a browser that has them all is told nothing, one that cannot run the page that it is too old',
    async (t) => {
      const visitor = await startBrowser(t, running.url)
      const { page, faults } = await visitor.open()
      await page.getByRole('heading', { name: 'Sign in to Purser' }).waitFor()
      await page.waitForLoadState('networkidle')
      t.equal(await page.getByRole('complementary').count(), 0)
      t.equal(await page.getByText('too old').count(), 0)
      t.same(faults, [])
      await visitor.context.route('**/main-*.js', (route) => route.abort())
      const old = await visitor.open()
      t.ok(await old.page.getByText('the browser is too old for this page').isVisible())
      t.equal(await old.page.getByLabel('API key').count(), 0)
    }
  )

  await t.test(
    'what the policy keeps from running is reported, and stands in the log',
    async (t) => {
      const visitor = await startBrowser(t, running.url)
      const { page } = await visitor.open()
      await page.getByRole('heading', { name: 'Sign in to Purser' }).waitFor()
      const sent = page.waitForResponse((one) => one.url().endsWith('/policy-report'))
      await page.evaluate("document.body.setAttribute('style', 'color: red')")
      t.equal((await sent).status(), 204)
      await running.says(/"directive":"style-src-attr","blocked":"inline".*its policy forbids/)
    }
  )
})
