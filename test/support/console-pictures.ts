/** Pictures of the page, where CONSOLE_PICTURES names a folder for them: for the documentation, and for whoever looks. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tab } from './console-browser.ts'
import { smallPng } from './small-png.ts'

/** In a page of its own, since the policy of the console lets nobody draw. */
const pixelsOf = (png: string): string => `(async () => {
  const bytes = Uint8Array.from(atob('${png}'), (one) => one.charCodeAt(0))
  const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
  const { width, height } = image
  const canvas = new OffscreenCanvas(width, height).getContext('2d')
  canvas.drawImage(image, 0, 0)
  const { data } = canvas.getImageData(0, 0, width, height)
  let text = ''
  for (let i = 0; i < data.length; i += 4) text += String.fromCharCode(data[i], data[i + 1], data[i + 2])
  return { width, height, rgb: btoa(text) }
})()`

export const takePicture = async ({ page }: Tab, name: string): Promise<void> => {
  const folder = process.env['CONSOLE_PICTURES']
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  const taken = await page.screenshot({ fullPage: true })
  const room = await page.context().newPage()
  const drawn = (await room.evaluate(pixelsOf(taken.toString('base64')))) as {
    readonly width: number
    readonly height: number
    readonly rgb: string
  }
  await room.close()
  const pixels = { ...drawn, rgb: Buffer.from(drawn.rgb, 'base64') }
  writeFileSync(join(folder, `${name}.png`), smallPng(pixels))
}
