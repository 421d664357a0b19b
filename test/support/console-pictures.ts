/** Pictures of the page, where CONSOLE_PICTURES names a folder for them: for the documentation, and for whoever looks. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Tab } from './console-browser.ts'

export const takePicture = async ({ page }: Tab, name: string): Promise<void> => {
  const folder = process.env['CONSOLE_PICTURES']
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}
