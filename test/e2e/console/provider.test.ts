// Signing in at a provider in a real browser, and once more in another tab before a key is issued.
import { test } from 'tap'
import { startBrowser } from '../../support/console-browser.ts'
import { randomSecret } from '../../support/keys.ts'
import { startOidcProvider } from '../../support/oidc-provider.ts'
import { isInstalled, skipWithout } from '../../support/peers.ts'
import { createConfigured, serve } from '../../support/purser-process.ts'
import { closedPort } from '../../support/wire.ts'

test('whoever signs in at a provider comes back to the page, and signs in there once more', async (t) => {
  if (skipWithout(t, await isInstalled('chromium'))) return
  const port = await closedPort()
  const client = {
    clientId: 'purser',
    clientSecret: randomSecret(),
    redirectUri: `http://127.0.0.1:${port}/v1/sessions/oidc/callback`
  }
  const provider = await startOidcProvider(t, client)
  const { folder } = createConfigured(t, {
    yaml: JSON.stringify({
      stores: [{ name: 'local', kind: 'local' }],
      administrators: [{ email: 'ana@example.com', subject: 'ana', client: 'operator', mode: 'rw' }]
    }),
    variables: {
      PORT: String(port),
      CONSOLE_ENABLED: 'true',
      JWT_SECRET: randomSecret(),
      AUTH_COOKIE_SECURE: 'false',
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: client.clientId,
      OIDC_CLIENT_SECRET: client.clientSecret,
      OIDC_REDIRECT_URI: client.redirectUri
    }
  })
  await serve(t, folder)
  const origin = `http://127.0.0.1:${port}`
  const visitor = await startBrowser(t, origin)
  const { page } = await visitor.open()
  await page.getByRole('link', { name: 'Sign in with 127.0.0.1' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  t.equal(page.url(), `${origin}/console`)
  await page.getByText('operator', { exact: true }).waitFor()

  await page.getByRole('link', { name: 'Keys', exact: true }).click()
  await page.getByRole('button', { name: /issue/i }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Client').fill('helper')
  await dialog.getByLabel('Scopes').fill('aura-admin')
  await dialog.getByRole('button', { name: 'Issue' }).click()
  await dialog.getByText('sign in once more first').waitFor()
  const [tab] = await Promise.all([
    visitor.context.waitForEvent('page'),
    dialog.getByRole('link', { name: 'Sign in once more' }).click()
  ])
  await tab.getByText('go on in the one before').waitFor()
  await tab.close()
  t.equal(await dialog.getByLabel('Client').inputValue(), 'helper', 'what was filled in is there')
  await dialog.getByRole('button', { name: 'Issue' }).click()
  await page.getByRole('dialog', { name: 'The key is issued' }).waitFor()
})
