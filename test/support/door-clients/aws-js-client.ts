/** One call of the AWS SDK for JavaScript, which knows where to ask from its environment alone; as `aws_client.py`. */
import {
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerServiceException
} from '@aws-sdk/client-secrets-manager'

const client = new SecretsManagerClient()

const call = async (does: string | undefined, secret: string): Promise<unknown> => {
  if (does === 'list') {
    const Filters = [{ Key: 'name' as const, Values: [secret] }]
    const { SecretList = [] } = await client.send(new ListSecretsCommand({ Filters }))
    return SecretList.map(({ Name }) => Name).sort()
  }
  if (does === 'write') {
    const input = { SecretId: secret, SecretString: 'by the SDK' }
    const { VersionId = '' } = await client.send(new PutSecretValueCommand(input))
    return VersionId.length >= 32
  }
  return (await client.send(new GetSecretValueCommand({ SecretId: secret }))).SecretString
}

const told = (error: SecretsManagerServiceException): object => ({
  error: error.constructor.name,
  code: error.name,
  message: error.message,
  repeated: (error.$metadata?.attempts ?? 1) > 1
})

const [, , does, secret = ''] = process.argv
const answer = await call(does, secret).then((value) => ({ value }), told)
process.stdout.write(JSON.stringify(answer))
