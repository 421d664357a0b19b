// What an operator does in the page: a key is issued and a secret written, each after signing in once more.
import { type Test, test } from 'tap'
import { barriersOn, signIn, startBrowser } from '../../support/console-browser.ts'
import { takePicture } from '../../support/console-pictures.ts'
import { startConsole } from '../../support/console-service.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'
import { get } from '../../support/purser-process.ts'

const setUp = async (t: Test) => {
  const service = await startConsole(t)
  const visitor = await startBrowser(t, service.url)
  await visitor.context.grantPermissions(['clipboard-write'])
  const tab = await visitor.open('/console#/keys')
  await signIn(tab, service.key)
  await tab.page.getByRole('navigation').waitFor()
  return { service, visitor, tab, page: tab.page }
}

test('a key is issued after signing in once more, shown once, and forgotten', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const { service, tab, page } = await setUp(t)
  await page.getByRole('button', { name: 'Issue a key' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Client').fill('shop')
  await dialog.getByLabel('Scopes').fill('aura-services:secrets')
  t.same(await barriersOn(tab), [])
  await takePicture(tab, 'issue-light')

  await dialog.getByLabel('Your own key').fill(service.reader)
  await dialog.getByRole('button', { name: 'Issue', exact: true }).click()
  await dialog.getByRole('alert').waitFor()
  t.equal(await dialog.getByLabel('Client').inputValue(), 'shop', 'what was typed is still there')
  t.equal(await dialog.getByLabel('Your own key').inputValue(), '', 'but for what is masked')

  await dialog.getByLabel('Your own key').fill(service.key)
  await dialog.getByRole('button', { name: 'Issue', exact: true }).click()
  await page.getByRole('dialog', { name: 'The key is issued' }).waitFor()
  t.same(await barriersOn(tab), [])
  const issued = (await page.locator('[data-issued]').textContent()) ?? ''
  await page.getByRole('button', { name: 'Copy the key' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  t.equal((await get(`${service.url}/v1/secrets?ref=local:shop/db`, issued)).status, 200)
  await page.getByRole('button', { name: 'Done' }).click()
  await dialog.waitFor({ state: 'detached' })
  t.notOk((await page.content()).includes(issued))
  t.notOk(page.url().includes(issued))
  // No page may read the clipboard, and so somebody has to paste.
  await page.getByLabel('Client or key id').focus()
  await page.keyboard.press('Control+V')
  t.equal(await page.getByLabel('Client or key id').inputValue(), issued)
  t.same(tab.faults, [])
})

test('a secret is written, and nothing of it stands in the page or comes back', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const { service, tab, page } = await setUp(t)
  const answers: string[] = []
  page.on('response', (response) => {
    if (response.url().includes('/console/api/')) {
      response.text().then(
        (text) => answers.push(text),
        () => {}
      )
    }
  })
  await page.getByRole('link', { name: 'Stores' }).click()
  await page.getByRole('button', { name: 'Write a new version' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reference').fill('local:shop/db')
  const value = `${service.canary.token}-new`
  await dialog.getByLabel('Value').fill(value)
  await dialog.getByLabel('Your own key').fill(service.key)
  t.same(await barriersOn(tab), [])
  await takePicture(tab, 'write-light')
  await dialog.getByRole('button', { name: 'Write', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  const url = `${service.url}/v1/secrets?ref=local:shop/db`
  const read = (await (await get(url, service.shop)).json()) as { readonly value: string }
  t.equal(read.value, value)
  t.same(service.canary.findIn((await page.content()) + answers.join('')), [])
  t.ok(answers.length > 1)
  t.same(tab.faults, [])
})

test('a session that is open elsewhere is seen, and ended after signing in once more', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const { service, tab, page } = await setUp(t)
  const elsewhere = await startBrowser(t, service.url)
  const there = await elsewhere.open('/console#/overview')
  await signIn(there, service.key)
  await there.page.getByRole('navigation').waitFor()
  const other = await startBrowser(t, service.url)
  const auditor = await other.open('/console#/sessions')
  await signIn(auditor, service.reader)
  await auditor.page.getByRole('rowheader', { name: /^auditor/ }).waitFor()
  t.equal(await auditor.page.getByRole('button', { name: /^End/ }).count(), 0, 'with mode r')

  await page.getByRole('link', { name: 'Sessions' }).click()
  const end = page.getByRole('button', { name: /^End session .* of admin$/ })
  await end.click()
  const dialog = page.getByRole('dialog', { name: 'End this session?' })
  t.same(await barriersOn(tab), [])
  await takePicture(tab, 'end-session-light')
  await dialog.getByLabel('Your own key').fill(service.key)
  await dialog.getByRole('button', { name: 'End', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await end.waitFor({ state: 'detached' })
  t.equal(await page.getByRole('rowheader', { name: /^admin/ }).count(), 1)
  await there.page.getByRole('link', { name: 'Keys' }).click()
  await there.page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()

  t.equal(await page.getByRole('button', { name: /^End session .* of auditor$/ }).count(), 1)
  for (const one of [tab, there, auditor]) t.same(one.faults, [])
})
