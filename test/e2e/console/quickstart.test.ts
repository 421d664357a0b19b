// `npm start` and one click: the link that the terminal prints opens the console in a real browser, signed in.
import { test } from 'tap'
import { barriersOn, startBrowser } from '../../support/console-browser.ts'
import { takePicture } from '../../support/console-pictures.ts'
import { createDirectory } from '../../support/embedded.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'
import { startPurser } from '../../support/purser-process.ts'

const LINKS = /^http:\/\/\S+\/console#code=[\w-]{43}$/gm

test('the link that the quickstart prints opens the console, signed in, in one click', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const running = startPurser(t, createDirectory(t), ['quickstart'], { env: { PORT: '0' } })
  await running.says(/Another link: kill -USR2 \d+\n/)
  const links = (): string[] => running.output.stdout.match(LINKS) ?? []
  const anotherLink = async (): Promise<string> => {
    const { length } = links()
    running.child.kill('SIGUSR2')
    await running.says(new RegExp(`(?:^http://\\S+#code=\\S+$[\\s\\S]*?){${length + 1}}`, 'm'))
    return links().at(-1) ?? ''
  }
  const pathOf = (link: string): string => link.slice(new URL(link).origin.length)
  const { origin } = new URL(links()[0] ?? '')
  const visitor = await startBrowser(t, origin)
  // The first may be over: a browser takes its time to start.
  const link = await anotherLink()
  const first = await visitor.open(pathOf(link))
  const { page } = first

  await t.test('it shows the data of the demonstration, and keeps no code', async (t) => {
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    t.equal(page.url(), `${origin}/console`)
    await page.getByText('operator', { exact: true }).waitFor()
    await page.getByRole('cell', { name: 'local' }).first().waitFor()
    t.equal(
      await page.evaluate('history.length'),
      2,
      'the address with the code is none to go back to'
    )
    t.equal(await page.evaluate('localStorage.length + sessionStorage.length'), 0)
    await page.getByRole('link', { name: 'Audit' }).click()
    await page.getByText('session.open').first().waitFor()
  })

  await t.test('each view has the way out in sight', async (t) => {
    const views = page.getByRole('navigation', { name: 'Views' }).getByRole('link')
    t.ok((await views.count()) >= 7)
    for (const view of await views.all()) {
      await view.click()
      t.ok(await page.getByRole('button', { name: 'Sign out' }).isVisible())
    }
  })

  await t.test('whoever opens it a second time is told how to get another', async (t) => {
    const stranger = await startBrowser(t, origin)
    const second = await stranger.open(pathOf(link))
    await second.page.getByText('the terminal where it runs says how to get another').waitFor()
    await second.page.getByRole('heading', { name: 'Sign in to Purser' }).waitFor()
    t.same(await barriersOn(second), [])
    t.same(second.faults, [])
  })

  await t.test('another link signs in once more, before a secret is written', async (t) => {
    await page.getByRole('link', { name: 'Stores and references' }).click()
    await page.getByRole('button', { name: /write/i }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Write a new version' })
    await dialog.getByLabel('Reference').fill('local:demo/greeting')
    await dialog.getByLabel('Value').fill('{"text":"from the console","language":"en"}')
    await dialog.getByLabel('Another link of the terminal').fill(await anotherLink())
    await dialog.getByRole('button', { name: 'Write' }).click()
    await dialog.waitFor({ state: 'detached' })
    const [, curl = ''] = /^(curl .*demo\/greeting.*)$/m.exec(running.output.stdout) ?? []
    const [, key = '', url = ''] = /'Authorization: Bearer ([^']+)' '([^']+)'/.exec(curl) ?? []
    const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
    t.match(await answer.json(), { value: 'from the console' })
  })

  await t.test('the trail shows what the printed lines have asked for', async (t) => {
    const lines = running.output.stdout.match(/^curl .*$/gm) ?? []
    t.ok(lines.length > 1)
    for (const line of [...lines, ...lines.slice(0, 1)]) {
      const [, key = '', url = ''] = /'Authorization: Bearer ([^']+)' '([^']+)'/.exec(line) ?? []
      await fetch(url, { headers: { authorization: `Bearer ${key}` } }).then((one) => one.text())
    }
    await page.goto(`${origin}/console#/audit?client=demo`)
    await page.getByRole('cell', { name: 'local:demo/greeting' }).first().waitFor()
    await page.locator('.chip', { hasText: 'denied' }).first().waitFor()
    // docs/console.png is this one.
    await takePicture(first, 'console')
  })

  t.same(first.faults, [], 'no report of the policy, no error, no other origin')
})
