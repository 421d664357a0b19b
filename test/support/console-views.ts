/** The views of the page with what `startConsole` has in it: where each is, what it does at once, and when it is there. */
import type { Page } from 'playwright-core'

export interface View {
  readonly name: string
  readonly hash: string
  /** Resolves once the view has what it asked for. */
  readonly shows: (page: Page) => Promise<unknown>
}

export const VIEWS: readonly View[] = [
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
    name: 'record',
    hash: '#/audit?client=shop&outcome=denied',
    shows: async (page) => {
      await page
        .getByRole('button', { name: /^Record/ })
        .first()
        .click()
      await page.locator('.chip', { hasText: 'verifies' }).waitFor()
    }
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
    name: 'sessions',
    hash: '#/sessions',
    shows: (page) => page.locator('.chip', { hasText: 'this one' }).waitFor()
  },
  {
    name: 'doctor',
    hash: '#/doctor',
    shows: (page) => page.getByText('the store vault does not answer').first().waitFor()
  }
]
