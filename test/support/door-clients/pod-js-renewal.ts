/** The AWS SDK for JavaScript in a pod which runs on: reads a secret whenever a line comes; as `pod_renewal.py`. */
import { createInterface } from 'node:readline'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

const client = new SecretsManagerClient()
const [, , SecretId] = process.argv

for await (const _ of createInterface({ input: process.stdin })) {
  const answer = await client.send(new GetSecretValueCommand({ SecretId })).then(
    ({ SecretString }) => ({ value: SecretString }),
    ({ name }: Error) => ({ error: name })
  )
  console.log(JSON.stringify(answer))
}
