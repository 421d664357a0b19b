/** A picture of few colours as a small PNG: of the colours that it has most of, each pixel the nearest. */
import { crc32, deflateSync } from 'node:zlib'

export interface Pixels {
  readonly width: number
  readonly height: number
  /** Red, green and blue of each, row by row. */
  readonly rgb: Uint8Array
}

const COLOURS_MAX = 256
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const INDEXED = [8, 3, 0, 0, 0]

const partsOf = (colour: number): readonly [number, number, number] => [
  colour >> 16,
  (colour >> 8) & 255,
  colour & 255
]

const distance = (one: number, other: number): number => {
  const [a, b] = [partsOf(one), partsOf(other)]
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2
}

const coloursOf = ({ rgb }: Pixels): Uint32Array => {
  const colours = new Uint32Array(rgb.length / 3)
  for (let i = 0; i < colours.length; i++) {
    const at = i * 3
    colours[i] = ((rgb[at] ?? 0) << 16) | ((rgb[at + 1] ?? 0) << 8) | (rgb[at + 2] ?? 0)
  }
  return colours
}

const paletteOf = (colours: Uint32Array): readonly number[] => {
  const counts = new Map<number, number>()
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1)
  const byCount = [...counts].sort(([, a], [, b]) => b - a)
  return byCount.slice(0, COLOURS_MAX).map(([colour]) => colour)
}

/** By colour, its place in the palette or that of the nearest. */
const createPlaces = (palette: readonly number[]): ((colour: number) => number) => {
  const places = new Map(palette.map((colour, place) => [colour, place]))
  return (colour) => {
    const known = places.get(colour)
    if (known !== undefined) return known
    const gaps = palette.map((one) => distance(one, colour))
    const place = gaps.indexOf(Math.min(...gaps))
    places.set(colour, place)
    return place
  }
}

const chunk = (type: string, data: Buffer): Buffer => {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const ends = Buffer.alloc(8)
  ends.writeUInt32BE(data.length, 0)
  ends.writeUInt32BE(crc32(named), 4)
  return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)])
}

export const smallPng = (pixels: Pixels): Buffer => {
  const { width, height } = pixels
  const colours = coloursOf(pixels)
  const palette = paletteOf(colours)
  const placeOf = createPlaces(palette)
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set(INDEXED, 8)
  // Before each row stands how it is filtered: not at all.
  const rows = Buffer.alloc((width + 1) * height)
  for (const [i, colour] of colours.entries()) {
    rows[i + Math.floor(i / width) + 1] = placeOf(colour)
  }
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette.flatMap(partsOf))),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0))
  ])
}
