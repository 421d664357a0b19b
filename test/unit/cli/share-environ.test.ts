import { test } from 'tap'
import { sdkVariablesIn } from '../../../src/cli/share-environ.ts'

test('of all variables only those of an SDK are shared with the SDKs', async (t) => {
  const own = {
    ENCRYPTION_KEYS: 'x',
    INTERNAL_SECRET: 'x',
    VAULT_TOKEN: 'x',
    MY_AWS_KEY: 'x',
    PATH: 'x',
    MY_OTEL_TOKEN: 'x'
  }
  const theirs = {
    AWS_ACCESS_KEY_ID: 'x',
    AZURE_CLIENT_ID: 'x',
    GOOGLE_APPLICATION_CREDENTIALS: 'x',
    KUBECONFIG: 'x',
    OTEL_SERVICE_NAME: 'x'
  }
  t.same(sdkVariablesIn({ ...own, ...theirs }), theirs)
})
