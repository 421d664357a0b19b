/** An address that an operator gives to an SDK by its own variable is of TLS or of this machine. */
import { test } from 'tap'
import { clearAddresses } from '../../../src/config/sdk-addresses.ts'
import { kindOf } from '../../../src/kinds/catalog.ts'

const placesOf = (kind: string, environ: Readonly<Record<string, string>>) => {
  const plugin = kindOf(kind)
  if (plugin === undefined) throw new Error(kind)
  return clearAddresses([{ plugin }, { plugin }], environ).map(({ place }) => place)
}

test('each variable of AWS that leads elsewhere without TLS is a fault, once, and none for other kinds', async (t) => {
  const environ = {
    AWS_ENDPOINT_URL: 'http://aws.internal',
    AWS_ENDPOINT_URL_STS: 'HTTP://sts.internal:80/',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: ' http://127.0.0.1.example',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials',
    MY_AWS_ENDPOINT_URL: 'http://other.internal'
  }
  t.strictSame(placesOf('aws-secrets-manager', environ), [
    'AWS_ENDPOINT_URL',
    'AWS_ENDPOINT_URL_STS',
    'AWS_ENDPOINT_URL_SECRETS_MANAGER'
  ])
  t.strictSame(placesOf('local', environ), [])
  const fine = [
    'https://aws.internal',
    'http://127.0.0.1:5000',
    'http://localhost:1',
    'http://[::1]:1',
    '',
    'x'
  ]
  for (const address of fine) {
    t.strictSame(placesOf('aws-secrets-manager', { AWS_ENDPOINT_URL: address }), [], address)
  }
})
