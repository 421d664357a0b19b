/** A process that reads from and writes to a fake vault with the SDK's log turned up, for a test of what that prints. */
import { azureKeyVault } from '../../../src/kinds/azure/index.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { clientSecret } from './fake.ts'

const [, , url = '', caCertFile = '', secret = ''] = process.argv
const settings = { vaultUrl: url, allowAnyHost: true, auth: clientSecret({ url }), caCertFile }
const provider = await azureKeyVault.connect(settings, createDeps({ AZURE_SECRET: secret }))
const options = { signal: AbortSignal.timeout(10_000) }
// At once, so that some go out with a token while others are still sent again after their challenge.
await Promise.all(Array.from({ length: 50 }, (_, n) => provider.read({ path: `n${n}` }, options)))
const { text } = await provider.read({ path: 'read' }, options)
await provider.write?.({ path: 'written' }, text, options)
await provider.close()
