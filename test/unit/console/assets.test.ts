// The page's files: a closed table, its compressed forms, and how much all of it weighs.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { test } from 'tap'
import { encodingFor, readAssets } from '../../../src/console/assets.ts'
import { isOwnHost, refuseOtherHosts } from '../../../src/console/own-host.ts'
import { createDirectory } from '../../support/embedded.ts'

const BUILT = join('build', 'console')

test('each file of the page has the same content in each of its forms', async (t) => {
  const { document, files } = readAssets()
  t.same([...files.keys()].map((name) => name.replace(/-[A-Z0-9]{8}\./, '.')).sort(), [
    'icon.svg',
    'main.js',
    'style.css'
  ])
  for (const { plain, compressed } of [document, ...files.values()]) {
    t.ok(plain.length > 0)
    t.ok(brotliDecompressSync(compressed.br).equals(plain))
    t.ok(gunzipSync(compressed.gzip).equals(plain))
  }
})

test('the whole page is at most 150 kB compressed', async (t) => {
  const sizes = readdirSync(BUILT)
    .filter((name) => name.endsWith('.gz'))
    .map((name) => statSync(join(BUILT, name)).size)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  t.ok(total > 1_000 && total <= 150_000, `${total} bytes`)
})

test('the document has no code and no style of its own', async (t) => {
  const html = readAssets().document.plain.toString()
  t.notMatch(html, /<style|\sstyle=|\son[a-z]+=|javascript:/i)
  t.notMatch(html, /<script[^>]*>[^<]/, 'each script is a file')
  t.notMatch(html, /(?:src|href)="(?!\/console\/assets\/)/, 'and of this origin')
  t.equal(html.match(/integrity="sha384-[A-Za-z0-9+/]{64}"/g)?.length, 2)
})

test('a page that is not built is told with what to do', async (t) => {
  t.throws(() => readAssets(join(createDirectory(t), 'none')), { message: /npm run build/ })
  t.throws(() => readAssets(createDirectory(t)), { message: /no index\.html/ })
})

test('what a browser takes compressed is sent compressed', async (t) => {
  t.equal(encodingFor('gzip, deflate, br, zstd'), 'br')
  t.equal(encodingFor('br;q=0, gzip'), 'gzip')
  t.equal(encodingFor('br;q=0.0,GZIP;q=0.5'), 'gzip')
  t.equal(encodingFor('identity'), undefined)
  t.equal(encodingFor(''), undefined)
  t.equal(encodingFor(undefined), undefined)
})

test('a listener of this machine alone is spoken to by its names', async (t) => {
  const own = ['localhost', 'localhost:8700', '127.0.0.1:1', '127.1.2.3', '[::1]:8700']
  for (const host of own) t.ok(isOwnHost(host, '127.0.0.1'), host)
  const others = [
    'evil.example',
    'localhost.evil.example:8700',
    '10.0.0.1',
    '',
    'a b',
    '127.0.0.1@evil'
  ]
  for (const host of others) t.notOk(isOwnHost(host, '127.0.0.1'), host)
  t.ok(isOwnHost('LOCALHOST:1', '127.0.0.1'), 'names have no case')
})

test('where others may come, or a proxy says the name, the name is not looked at', async (t) => {
  t.ok(refuseOtherHosts('127.0.0.1', false))
  t.equal(refuseOtherHosts('0.0.0.0', false), undefined)
  t.equal(refuseOtherHosts('127.0.0.1', true), undefined)
})
