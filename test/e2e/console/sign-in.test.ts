// Signing in and out in a real browser: by key, in two tabs, and again in the middle of work.
import { test } from 'tap'
import { barriersOn, signIn, startBrowser } from '../../support/console-browser.ts'
import { startConsole } from '../../support/console-service.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'

test('the page of administrators in a browser', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const service = await startConsole(t)
  const visitor = await startBrowser(t, service.url)
  const first = await visitor.open()
  const { page } = first

  await t.test('a key that is none opens nothing, and is forgotten', async (t) => {
    await page.getByRole('heading', { name: 'Sign in to Purser' }).waitFor()
    t.same(await barriersOn(first), [])
    await signIn(first, 'purser_dev_none')
    await page.getByRole('alert').waitFor()
    t.equal(await page.getByLabel('API key').inputValue(), '')
    await signIn(first, service.shop)
    await page.getByText('no scope for this').waitFor()
  })

  await t.test(
    'a key opens a session, of which no script and no storage has anything',
    async (t) => {
      await signIn(first, service.key)
      await page.getByRole('heading', { name: 'Overview' }).waitFor()
      t.equal(await page.title(), 'Overview · Purser')
      t.equal(await page.evaluate('document.cookie'), '')
      t.equal(await page.evaluate('localStorage.length + sessionStorage.length'), 0)
      const [cookie, ...others] = await visitor.context.cookies()
      t.match(cookie, { name: 'purser-session', httpOnly: true, sameSite: 'Strict', path: '/' })
      t.same(others, [])
      const html = await page.content()
      for (const secret of [service.key, cookie?.value ?? '']) t.notOk(html.includes(secret))
      t.equal(page.url(), `${service.url}/console`)
    }
  )

  await t.test('what ends in one tab ends in the other', async (t) => {
    const second = await visitor.open('/console#/keys')
    await second.page.getByRole('heading', { name: 'Keys', exact: true }).waitFor()
    await second.page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You were signed out in another tab.').waitFor()
    t.same(await visitor.context.cookies(), [])
    await signIn(second, service.key)
    await second.page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    t.same(second.faults, [])
    await second.page.close()
  })

  await t.test('whose session ends in the middle of work signs in again and goes on', async (t) => {
    await page.getByRole('link', { name: 'Access' }).click()
    await page.getByRole('textbox', { name: 'Client' }).fill('shop')
    await page.getByLabel('Reference').fill('local:shop/db')
    await visitor.context.clearCookies()
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()
    t.same(await barriersOn(first), [])
    await signIn(first, service.key)
    // The look that was refused is repeated, and nothing of what was typed is lost.
    await page.getByText('rule 0: local:shop/**').waitFor()
    t.equal(await page.getByRole('textbox', { name: 'Client' }).inputValue(), 'shop')
    t.equal(await page.getByRole('dialog').count(), 0)
  })

  t.same(first.faults, [], 'no report of the policy, no error, no other origin')
})
