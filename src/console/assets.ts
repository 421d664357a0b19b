/**
 * The page's files, read once at the start. Rule: what a request may ask for is a closed table of names; no path is ever
 * made of what a request says.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** As in Accept-Encoding and Content-Encoding; the first that the browser takes is sent. */
const ENCODINGS = ['br', 'gzip'] as const
export type Encoding = (typeof ENCODINGS)[number]

export interface Asset {
  readonly mediaType: string
  readonly plain: Buffer
  readonly compressed: Readonly<Record<Encoding, Buffer>>
}

export interface Assets {
  readonly document: Asset
  /** By the name that the document gives them, which holds a hash of the content. */
  readonly files: ReadonlyMap<string, Asset>
}

const MEDIA_TYPES: ReadonlyMap<string | undefined, string> = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['svg', 'image/svg+xml']
])

const BUILT = fileURLToPath(new URL('../../console/', import.meta.url))

/** Throws an error that says what to do where the page is not built. */
export const readAssets = (folder: string = BUILT): Assets => {
  const files = new Map<string, Asset>()
  try {
    for (const name of readdirSync(folder)) {
      const mediaType = MEDIA_TYPES.get(name.split('.').at(-1))
      // The others are its compressed forms.
      if (mediaType === undefined) continue
      const read = (ending = ''): Buffer => readFileSync(`${folder}/${name}${ending}`)
      files.set(name, {
        mediaType,
        plain: read(),
        compressed: { br: read('.br'), gzip: read('.gz') }
      })
    }
  } catch (error) {
    throw new Error('CONSOLE_ENABLED: the page is not built: npm run build', { cause: error })
  }
  const document = files.get('index.html')
  if (document === undefined) throw new Error('CONSOLE_ENABLED: the page has no index.html')
  files.delete('index.html')
  return { document, files }
}

const REFUSED = /^q=0(?:\.0*)?$/

/** Which form the browser takes (RFC 9110, 12.5.3); undefined: as it is. */
export const encodingFor = (accepted: string | undefined): Encoding | undefined => {
  const taken = (accepted ?? '').split(',').flatMap((one) => {
    const [coding = '', ...parameters] = one.split(';').map((word) => word.trim().toLowerCase())
    return parameters.some((word) => REFUSED.test(word)) ? [] : [coding]
  })
  return ENCODINGS.find((encoding) => taken.includes(encoding))
}
