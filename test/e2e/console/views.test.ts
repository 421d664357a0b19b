// Each view with what a running service says, in light and in dark: what stands there, and that nobody is shut out.
import type { Page } from 'playwright-core'
import { test } from 'tap'
import { barriersOn, signIn, startBrowser, type Tab } from '../../support/console-browser.ts'
import { takePicture } from '../../support/console-pictures.ts'
import { HOSTILE, LONGEST, MARKUP_REFERENCE, startConsole } from '../../support/console-service.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'

interface View {
  readonly name: string
  readonly hash: string
  /** Resolves once the view has what it asked for. */
  readonly shows: (page: Page) => Promise<unknown>
}

const VIEWS: readonly View[] = [
  {
    name: 'overview',
    hash: '#/overview',
    shows: async (page) => {
      await page.locator('.chip', { hasText: /live$/ }).waitFor()
      await page.getByRole('heading', { name: 'Requests a minute' }).waitFor()
      await page.getByText('store unreachable').first().waitFor()
    }
  },
  {
    name: 'reach',
    hash: '#/access?client=shop',
    shows: async (page) => {
      await page.getByRole('rowheader', { name: 'vault:kv/**' }).waitFor()
      await page.getByRole('button', { name: 'Ask the stores for the names' }).click()
      await page.getByText('local:shop/db', { exact: true }).waitFor()
      await page.getByText('There may be more').waitFor()
    }
  },
  {
    name: 'readers',
    hash: '#/access?reference=local:shop/db',
    shows: (page) => page.getByRole('link', { name: 'Explain for shop' }).waitFor()
  },
  {
    name: 'access',
    hash: '#/access?client=shop&reference=local:bank/db',
    shows: (page) => page.getByText('no rule lets shop read it').waitFor()
  },
  {
    name: 'keys',
    hash: '#/keys',
    shows: async (page) => {
      await page.getByRole('rowheader', { name: /^shop/ }).waitFor()
      await page.getByRole('progressbar').waitFor()
    }
  },
  {
    name: 'audit',
    hash: '#/audit?client=shop',
    shows: (page) => page.getByRole('cell', { name: 'local:bank/db' }).first().waitFor()
  },
  {
    name: 'stores',
    hash: '#/stores',
    shows: (page) => page.getByRole('cell', { name: 'unreachable' }).first().waitFor()
  },
  {
    name: 'names',
    hash: '#/stores?store=local&path=shop',
    shows: async (page) => {
      await page.getByRole('rowheader', { name: 'shop/db' }).waitFor()
      await page.getByRole('button', { name: 'Drop from the cache of shop/db' }).waitFor()
    }
  },
  {
    name: 'integrations',
    hash: '#/integrations',
    shows: async (page) => {
      const see = (name: string) =>
        page.getByRole('button', { name: `See whether they can be read for ${name}` }).click()
      await see('sample-bot')
      await page.getByText('secret not found').waitFor()
      await see('web')
      await page.locator('.chip', { hasText: 'can be read' }).nth(2).waitFor()
      await page.getByRole('button', { name: 'Try a token of web' }).click()
      await page.getByText('given, and thrown away').waitFor()
    }
  },
  {
    name: 'doctor',
    hash: '#/doctor',
    shows: (page) => page.getByText('the store vault does not answer').first().waitFor()
  }
]

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
