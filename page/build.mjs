/**
 * Bundles the administrators' page into build/console: files whose names hold their hash, the document that names them
 * with their integrity, and each file compressed. Rule: nothing is fetched, and what is made depends on the sources alone.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { build } from 'esbuild'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const OUT = here('../build/console/')

const compressed = async (bytes) => ({
  br: await promisify(brotliCompress)(bytes, {
    params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
  }),
  gz: await promisify(gzip)(bytes, { level: 9 })
})

const bundle = () =>
  build({
    absWorkingDir: here('.'),
    entryPoints: ['main.tsx', 'style.css', 'icon.svg'],
    outdir: OUT,
    entryNames: '[name]-[hash]',
    loader: { '.svg': 'copy' },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'warning',
    tsconfig: here('tsconfig.json')
  })

/** `{{main.js}}` becomes the name of that file, `{{main.js integrity}}` its hash as browsers check it. */
const documentOf = async (names) => {
  const template = await readFile(here('index.html'), 'utf8')
  const found = await Promise.all(
    names.map(async (name) => {
      const hash = createHash('sha384').update(await readFile(OUT + name))
      return [name.replace(/-[A-Z0-9]{8}(?=\.)/, ''), name, `sha384-${hash.digest('base64')}`]
    })
  )
  return template.replace(/\{\{(\S+?)( integrity)?\}\}/g, (_, wanted, integrity) => {
    const [, name, hash] = found.find(([plain]) => plain === wanted) ?? []
    if (name === undefined) throw new Error(`index.html names ${wanted}, which is not built`)
    return integrity === undefined ? name : hash
  })
}

await rm(OUT, { recursive: true, force: true })
await bundle()
await writeFile(`${OUT}index.html`, await documentOf(await readdir(OUT)))
for (const name of await readdir(OUT)) {
  const forms = await compressed(await readFile(OUT + name))
  for (const [ending, bytes] of Object.entries(forms)) {
    await writeFile(`${OUT}${name}.${ending}`, bytes)
  }
}
