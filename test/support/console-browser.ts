/**
 * The page of administrators in a real browser, Debian's chromium, which looks after what must hold on every page: no
 * report of its policy, no message of an error, no request to another origin.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { programOf } from './peers.ts'

/** Generous: the machine may have much else to do. */
const PATIENCE_MS = 60_000

export interface Tab {
  readonly page: Page
  /** What must not have been: each as a line. */
  readonly faults: string[]
}

export interface Visitor {
  readonly context: BrowserContext
  /** A tab at the console. */
  readonly open: (path?: string) => Promise<Tab>
}

const watch = (page: Page, origin: string, faults: string[]): void => {
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('console', (message) => {
    // A browser tells of each answer that is an error, which the page shows by itself.
    const isAnswer = message.text().startsWith('Failed to load resource')
    if (['error', 'warning'].includes(message.type()) && !isAnswer) faults.push(message.text())
  })
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${origin}/`) && !/^(?:data|blob):/.test(url)) faults.push(`asked ${url}`)
  })
}

/** A browser with a profile of its own, for as long as the test runs. */
export const startBrowser = async (
  t: Test,
  url: string,
  colorScheme: 'light' | 'dark' = 'light'
): Promise<Visitor> => {
  const executablePath = programOf('chromium')
  if (executablePath === undefined) throw new Error('there is no chromium')
  const browser = await chromium.launch({
    executablePath,
    timeout: PATIENCE_MS,
    args: ['--disable-dev-shm-usage', '--disable-gpu'],
    // A root has no sandbox there.
    chromiumSandbox: process.getuid?.() !== 0
  })
  t.teardown(() => browser.close())
  const context = await browser.newContext({
    colorScheme,
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 860 },
    acceptDownloads: true
  })
  context.setDefaultTimeout(PATIENCE_MS)
  // A text, since there is no DOM here for a function to be typed by.
  await context.addInitScript({
    content:
      "addEventListener('securitypolicyviolation', (one) => console.error('policy', one.violatedDirective, one.blockedURI))"
  })
  return {
    context,
    open: async (path = '/console') => {
      const page = await context.newPage()
      const faults: string[] = []
      watch(page, new URL(url).origin, faults)
      await page.goto(url + path)
      return { page, faults }
    }
  }
}

export const signIn = async ({ page }: Tab, key: string): Promise<void> => {
  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What is not accessible, as lines. */
export const barriersOn = async ({ page }: Tab): Promise<string[]> => {
  await page.evaluate(AXE)
  const results = (await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] })'
  )) as AxeResults
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`)
  )
}
