/** What a configured AWS store is, before anything is asked of AWS. */
import { test } from 'tap'
import { Check } from 'typebox/value'
import { awsSecretsManager } from '../../../src/kinds/aws/index.ts'
import { catalog, kindOf } from '../../../src/kinds/catalog.ts'

const { address, settings } = awsSecretsManager

test('the partition follows from the region, and may be said', async (t) => {
  const expected = {
    'eu-west-1': 'aws',
    'ap-southeast-12': 'aws',
    'cn-north-1': 'aws-cn',
    'us-gov-west-1': 'aws-us-gov',
    'us-iso-east-1': 'aws-iso',
    'us-isob-east-1': 'aws-iso-b',
    'eu-isoe-west-1': 'aws-iso-e',
    'us-isof-south-1': 'aws-iso-f',
    'eusc-de-east-1': 'aws-eusc'
  }
  for (const [region, partition] of Object.entries(expected)) {
    t.ok(Check(settings, { region }), region)
    t.match(address({ region }), { partition, region, accounts: [] })
  }
  t.match(address({ region: 'eu-west-1', partition: 'aws-new' }), { partition: 'aws-new' })
})

test('settings that say something else than they can mean are refused', async (t) => {
  const region = 'eu-west-1'
  t.ok(Check(settings, { region, accounts: ['123456789012'], endpoint: 'https://vpce.example' }))
  for (const wrong of [
    {},
    { region: '' },
    { region: 'eu-west-1.evil.example/' },
    { region, accounts: ['12345678901'] },
    { region, accounts: [] },
    { region, endpoint: 'ftp://vpce.example' },
    { region, endpoint: 'https://user:password@vpce.example' },
    { region, endpoint: 'https://vpce.example/path' },
    { region, secretAccessKey: 'x' }
  ]) {
    t.notOk(Check(settings, wrong), JSON.stringify(wrong))
  }
})

test('secrets do not travel in the clear, except on this machine', async (t) => {
  const region = 'eu-west-1'
  for (const endpoint of ['http://127.0.0.1:5000', 'http://localhost:5000', 'http://[::1]:5000']) {
    t.doesNotThrow(() => address({ region, endpoint }), endpoint)
  }
  for (const endpoint of ['http://vpce.example', 'http://127.0.0.1.example', 'http://10.0.0.1']) {
    t.throws(() => address({ region, endpoint }), /in the clear/, endpoint)
  }
})

test('the catalog finds a plugin by its kind, and nothing by another word', async (t) => {
  t.equal(kindOf('aws-secrets-manager')?.kind, 'aws-secrets-manager')
  t.equal(kindOf('__proto__'), undefined)
  t.equal(new Set(catalog.map(({ kind }) => kind)).size, catalog.length)
})
