// The eight tasks of docs/operations.md, each done in the page: each leaves its line in the trail, with who was signed in.
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { type Test, test } from 'tap'
import { type AuditRecord, recordsIn } from '../../support/audit-records.ts'
import { signIn, startBrowser } from '../../support/console-browser.ts'
import { startConsole } from '../../support/console-service.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'
import { get } from '../../support/purser-process.ts'

interface Means {
  readonly t: Test
  readonly page: Page
  readonly service: Awaited<ReturnType<typeof startConsole>>
  /** Goes to a view by its address. */
  readonly open: (hash: string) => Promise<void>
  readonly readAs: (key: string, ref: string) => Promise<Response>
}

type Left = Readonly<Record<string, unknown>>

interface Task {
  /** As its heading in docs/operations.md begins. */
  readonly task: string
  readonly does: (means: Means) => Promise<void>
  /** What stands in the trail afterwards, besides who was signed in. */
  readonly leaves: Left | readonly Left[]
}

const TASKS: readonly Task[] = [
  {
    task: '1. Before going live',
    does: async ({ page, open }) => {
      await open('#/doctor')
      await page.getByText('the store vault does not answer').first().waitFor()
    },
    leaves: { action: 'admin.read', route: 'GET /console/api/doctor' }
  },
  {
    task: '2. Somebody new needs secrets',
    does: async ({ t, page, service, open, readAs }) => {
      await open('#/keys')
      await page.getByRole('button', { name: 'Issue a key' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Client').fill('newcomer')
      await dialog.getByLabel('Scopes').fill('aura-services:secrets')
      await dialog.getByLabel('Your own key').fill(service.key)
      await dialog.getByRole('button', { name: 'Issue', exact: true }).click()
      const issued = (await page.locator('[data-issued]').textContent()) ?? ''
      t.equal((await readAs(issued, 'local:public/motd')).status, 200)
      await page.getByRole('button', { name: 'Done' }).click()
    },
    leaves: { action: 'key.issue', outcome: 'allowed', route: 'POST /console/api/v1/admin/keys' }
  },
  {
    task: '3. Somebody is refused',
    does: async ({ page, open }) => {
      await open('#/access?client=shop&reference=local:bank/db')
      await page.getByText('no rule lets shop read it').waitFor()
    },
    leaves: { action: 'admin.read', route: 'GET /console/api/v1/admin/explain' }
  },
  {
    task: '4. Change a secret',
    does: async ({ t, page, service, open, readAs }) => {
      await open('#/stores?store=local&path=shop')
      await page.getByRole('button', { name: 'New version of shop/db' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Value').fill('a new value')
      await dialog.getByLabel('Your own key').fill(service.key)
      await dialog.getByRole('button', { name: 'Write', exact: true }).click()
      await dialog.waitFor({ state: 'detached' })
      const read = (await (await readAs(service.shop, 'local:shop/db')).json()) as {
        readonly value: string
        readonly version: string
      }
      t.equal(read.value, 'a new value')
      await page.reload()
      const row = page.getByRole('row').filter({ hasText: 'shop/db' })
      await row.getByText('cached').waitFor()
      await row.getByRole('cell', { name: read.version, exact: true }).waitFor()
    },
    leaves: {
      action: 'secret.write',
      outcome: 'allowed',
      reference: 'local:shop/db',
      route: 'PUT /console/api/secrets'
    }
  },
  {
    task: '5. Who read it, and who tried',
    does: async ({ page, open }) => {
      await open('#/audit?reference=local:shop/db')
      const row = page.getByRole('row').filter({ hasText: 'secret.read' })
      await row.filter({ hasText: 'shop' }).filter({ hasText: 'allowed' }).first().waitFor()
    },
    leaves: { action: 'admin.read', route: 'GET /console/api/v1/admin/audit' }
  },
  {
    task: '6. A key has leaked',
    does: async ({ t, page, service, open, readAs }) => {
      await open('#/keys')
      await page.getByRole('button', { name: /^Revoke key .* of shop$/ }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('to confirm').fill('revoke')
      await dialog.getByRole('button', { name: 'Revoke' }).click()
      await dialog.waitFor({ state: 'detached' })
      t.equal((await readAs(service.shop, 'local:shop/db')).status, 401)
    },
    leaves: {
      action: 'key.revoke',
      outcome: 'allowed',
      route: 'DELETE /console/api/v1/admin/keys/:id'
    }
  },
  {
    task: '7. A store is down',
    does: async ({ page, open }) => {
      await open('#/stores')
      await page.getByRole('cell', { name: 'unreachable' }).first().waitFor()
    },
    leaves: { action: 'admin.read', route: 'GET /console/api/v1/admin/stores' }
  },
  {
    task: '8. Prove the trail',
    does: async ({ page, open }) => {
      await open('#/audit?action=key.revoke')
      await page
        .getByRole('button', { name: /^Record/ })
        .first()
        .click()
      await page.locator('.chip', { hasText: 'verifies' }).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'See what retention will take' }).click()
      await page.getByText('Nothing is over its time: records are kept for 90 days.').waitFor()
    },
    leaves: [
      { action: 'admin.read', route: 'GET /console/api/audit/place' },
      { action: 'admin.read', route: 'GET /console/api/retention' }
    ]
  }
]

test('the tasks are those of the documentation', async (t) => {
  const text = readFileSync('docs/operations.md', 'utf8')
  const headings = [...text.matchAll(/^### (\d+\. .*)$/gm)].map(([, heading = '']) => heading)
  t.equal(headings.length, TASKS.length)
  for (const [i, { task }] of TASKS.entries()) t.ok(headings[i]?.startsWith(task), task)
})

const SIGNED_IN =
  "fetch('/console/api/v1/sessions').then((one) => one.json()).then(({ sessionId, client, keyId }) => ({ sessionId, client, keyId }))"

test('each of the eight tasks is done in the page, and on record with who was signed in', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const service = await startConsole(t)
  const visitor = await startBrowser(t, service.url)
  const tab = await visitor.open()
  const { page } = tab
  await signIn(tab, service.key)
  await page.getByRole('navigation').waitFor()
  const who = (await page.evaluate(SIGNED_IN)) as AuditRecord
  t.match(who, { client: 'admin', sessionId: /./, keyId: /./ })
  const means = {
    page,
    service,
    open: async (hash: string) => {
      await page.goto('about:blank')
      await page.goto(`${service.url}/console${hash}`)
    },
    readAs: (key: string, ref: string) => get(`${service.url}/v1/secrets?ref=${ref}`, key)
  }
  for (const { task, does, leaves } of TASKS) {
    await t.test(task, async (t) => {
      const { length } = await recordsIn(service.folder)
      await does({ ...means, t })
      const since = (await recordsIn(service.folder)).slice(length)
      const own = since.filter((record) => record['sessionId'] === who['sessionId'])
      for (const wanted of [leaves].flat()) {
        const left = own.find((record) =>
          Object.entries(wanted).every(([name, value]) => record[name] === value)
        )
        t.match(left, who, `${JSON.stringify(wanted)} is on record`)
      }
    })
  }
  t.same(tab.faults, [])
})
