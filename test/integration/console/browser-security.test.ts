// What a browser is told with every answer of the console, and what it never gets: as ASVS 5.0, V3 has it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { openBrowser } from '../../support/administrator.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { randomSecret } from '../../support/keys.ts'

const API = '/console/api'
const PAGE = 'https://app.example'

const setUp = async (t: Test) => {
  const built = await buildTestApp(t, {
    yaml: 'stores: [{ name: local, kind: local }]\npolicies: []\n',
    env: {
      CONSOLE_ENABLED: 'true',
      HOST: '0.0.0.0',
      JWT_SECRET: randomSecret(),
      CORS_ALLOW_ORIGINS: PAGE
    }
  })
  const { key } = await built.as('admin', 'rw', { scopes: ['aura-admin'] })
  const browser = openBrowser(built)
  const document = await browser.ask('GET', '/console')
  const assets = [...document.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name = '']) => name)
  return { built, key, browser, assets }
}

test('every answer tells the browser to stay with TLS, guess no type, frame nothing, run nothing else and tell nobody', async (t) => {
  const { browser, key, assets } = await setUp(t)
  await browser.signIn(key)
  const urls = [
    '/console',
    ...assets,
    `${API}/sign-in`,
    `${API}/v1/sessions`,
    `${API}/v1/admin/stores`,
    `${API}/v1/sessions/oidc/callback?code=x&state=y`,
    `${API}/nothing`
  ]
  for (const url of urls) {
    const { headers } = await browser.ask('GET', url)
    t.match(
      headers,
      {
        'strict-transport-security': 'max-age=31536000; includeSubDomains',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'content-security-policy': /default-src 'none'/
      },
      url
    )
    t.match(headers['content-security-policy'], /frame-ancestors 'none'/, url)
    const type = String(headers['content-type'])
    const isText = /^(?:text|application)\/(?:html|css|javascript|json|problem\+json)|^image\/svg/
    t.match(type, isText, `${url} ${type}`)
    if (!assets.includes(url)) t.equal(headers['cache-control'], 'no-store', url)
  }
})

/** Of another time or another product: switched off, or of no use here. */
const NOT_EXPECTED =
  /^(?:x-dns-prefetch-control|x-download-options|x-permitted-cross-domain-policies|x-xss-protection)$/
const OF_SECURITY =
  /^(?:x-(?!request-id)|cross-origin|content-security|strict|referrer|permissions|origin-)/

test('what a browser is expected to know stands in the documentation, with what happens without it', async (t) => {
  const { browser } = await setUp(t)
  const [, section = ''] =
    /## What a browser has to know\n(.*)/s.exec(readFileSync('docs/console.md', 'utf8')) ?? []
  const { headers } = await browser.ask('GET', '/console')
  const told = Object.keys(headers).filter(
    (name) => OF_SECURITY.test(name) && !NOT_EXPECTED.test(name)
  )
  t.ok(told.length > 7, String(told))
  for (const name of told) t.ok(section.toLowerCase().includes(name), name)
  for (const word of ['__Host-', 'Secure', 'HttpOnly', 'SameSite', 'Sec-Fetch-Site', 'Origin']) {
    t.ok(section.includes(word), word)
  }
  t.match(section, /the page warns; the service refuses/)
})

test('what is asked by a session is JSON, which no browser takes for a page, and no script may load', async (t) => {
  const { browser, key } = await setUp(t)
  await browser.signIn(key)
  for (const url of [`${API}/v1/sessions`, `${API}/v1/admin/stores`]) {
    const navigated = await browser.ask('GET', url, { headers: { accept: 'text/html' } })
    t.match(navigated.headers['content-type'], /^application\/json/)
    const script = await browser.ask('GET', `${url}?callback=take`)
    t.ok([200, 400].includes(script.statusCode))
    t.match(script.headers['content-type'], /^application\/(?:problem\+)?json/)
    t.notMatch(script.body, /^\s*take/)
    const embedded = await browser.ask('GET', url, {
      headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'script' }
    })
    t.equal(embedded.statusCode, 403)
  }
})

test('the files of the page are the same for everybody, whoever is signed in', async (t) => {
  const { browser, key, assets } = await setUp(t)
  const read = () =>
    Promise.all(['/console', ...assets].map(async (url) => (await browser.ask('GET', url)).body))
  const before = await read()
  await browser.signIn(key)
  t.same(await read(), before)
})

test('the origins of CORS_ALLOW_ORIGINS are none of the console and of sessions', async (t) => {
  const { built, browser, key } = await setUp(t)
  await browser.signIn(key)
  const headers = { origin: PAGE, 'sec-fetch-site': 'cross-site' }
  for (const url of ['/console', `${API}/sign-in`, `${API}/v1/sessions`, '/v1/sessions']) {
    const answer = await browser.ask('GET', url, { headers })
    t.notOk('access-control-allow-origin' in answer.headers, url)
    const preflight = await built.app.server.inject({
      method: 'OPTIONS',
      url,
      headers: { host: 'purser.example', origin: PAGE, 'access-control-request-method': 'DELETE' }
    })
    t.notOk(
      'access-control-allow-credentials' in preflight.headers,
      `${url}: no cookie comes along`
    )
  }
})

test('the page hears nobody but its own tabs, keeps nothing on the document, and loads nothing from elsewhere', async (t) => {
  const sources = readdirSync('page', { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:tsx?|html|css)$/.test(name))
    .map((name) => [name, readFileSync(join('page', name), 'utf8')] as const)
  t.ok(sources.length > 20)
  for (const [name, text] of sources) {
    t.notMatch(text, /addEventListener\(\s*['"]message|window\.opener|parent\.postMessage/, name)
    t.notMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/, name)
    t.notMatch(text, /\bdocument\[|\bwindow\[|document\.\w+ = (?!`|')/, name)
    t.notMatch(text, /(?:src|href)=["']https?:|@import\s+['"]https?:|url\(\s*['"]?https?:/, name)
  }
})
