// Each view with what a running service says, in light and in dark: what stands there, and that nobody is shut out.
import { test } from 'tap'
import { barriersOn, signIn, startBrowser, type Tab } from '../../support/console-browser.ts'
import { takePicture } from '../../support/console-pictures.ts'
import {
  HOSTILE,
  LONGEST,
  MARKUP,
  MARKUP_REFERENCE,
  startConsole
} from '../../support/console-service.ts'
import { VIEWS } from '../../support/console-views.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'

test('the views', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const service = await startConsole(t)
  for (const scheme of ['light', 'dark'] as const) {
    await t.test(scheme, async (t) => {
      const visitor = await startBrowser(t, service.url, scheme)
      const tab: Tab = await visitor.open()
      const { page, faults } = tab
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      await takePicture(tab, `sign-in-${scheme}`)
      await signIn(tab, service.key)
      await page.getByRole('navigation').waitFor()
      for (const { name, hash, shows } of VIEWS) {
        await page.goto(`${service.url}/console${hash}`)
        await shows(page)
        t.same(await barriersOn(tab), [], name)
        await takePicture(tab, `${name}-${scheme}`)
        const html = await page.content()
        t.same(service.canary.findIn(html), [], `${name} shows no value`)
        t.notOk(html.includes(service.key), `${name} shows no key`)
      }
      t.same(faults, [])
    })
  }

  await t.test('what is hostile is text', async (t) => {
    const visitor = await startBrowser(t, service.url)
    const tab = await visitor.open('/console#/audit?client=shop')
    const { page, faults } = tab
    await signIn(tab, service.key)
    await page.getByText(MARKUP_REFERENCE).first().waitFor()
    t.equal(await page.locator('main b').count(), 0)
    const all = page.getByRole('button', { name: /^all [\d,]+ characters$/ })
    await all.first().waitFor()
    const width = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    t.equal(await page.evaluate(width), 0, 'nothing is wider than the window')
    await all.first().click()
    await page.getByText(LONGEST).waitFor()
    t.equal(await page.evaluate(width), 0)
    await page.goto(`${service.url}/console#/stores?store=local&path=shop`)
    await page.getByRole('rowheader', { name: MARKUP }).waitFor()
    t.equal(await page.locator('main b').count(), 0)
    t.equal(await page.evaluate(width), 0)
    await page.goto(`${service.url}/console#/integrations`)
    await page.getByText('⟨U+202E⟩').first().waitFor()
    t.equal(await page.locator('main img').count(), 0)
    const asked = new URLSearchParams({ client: HOSTILE, reference: `local:${HOSTILE}` })
    await page.goto(`${service.url}/console#/access?${asked}`)
    const shown = '<img src=x onerror=alert(1)>⟨U+202E⟩gnp.exe⟨U+2066⟩'
    await page.getByRole('alert').or(page.getByText(shown)).first().waitFor()
    t.equal(await page.locator('main img').count(), 0)
    t.same(faults, [])
  })
})

test('the page by keyboard alone', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const service = await startConsole(t)
  const visitor = await startBrowser(t, service.url)
  const tab = await visitor.open()
  const { page } = tab
  const focused = (): Promise<string> =>
    page.evaluate("(document.activeElement?.textContent || document.activeElement?.id) ?? ''")
  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key)
  }
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await press('Tab')
  await page.keyboard.insertText(service.key)
  await press('Enter')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  t.equal(await focused(), 'Overview', 'the heading of a view has the focus')

  await page.reload()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await press('Tab')
  t.equal(await focused(), 'Skip to the content')
  t.ok(await page.getByText('Skip to the content').isVisible())
  await press('Enter')
  t.equal(await focused(), 'Overview')

  await page.getByRole('link', { name: 'Keys' }).focus()
  await press('Enter')
  await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor()
  t.equal(await focused(), 'Keys')

  const revoke = page.getByRole('button', { name: /^Revoke key .* of shop$/ })
  await revoke.focus()
  await press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Revoke this key?' })
  await dialog.waitFor()
  t.same(await barriersOn(tab), [])
  await takePicture(tab, 'revoke-light')
  await press('Escape')
  await dialog.waitFor({ state: 'detached' })
  t.match(await focused(), /^Revoke/, 'what opened a dialog has the focus again')

  await press('Enter')
  await dialog.waitFor()
  await page.getByLabel('to confirm').focus()
  await page.keyboard.insertText('no')
  await press('Enter')
  t.ok(await dialog.isVisible(), 'another word revokes nothing')
  await press('Control+A')
  await page.keyboard.insertText('revoke')
  await press('Enter')
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('cell', { name: 'revoked' }).waitFor()
  t.equal(await focused(), 'Keys')
  const answer = await fetch(`${service.url}/v1/secrets?ref=local:shop/db`, {
    headers: { 'x-api-key': service.shop }
  })
  t.equal(answer.status, 401)
  t.same(tab.faults, [])
})
