/** The AWS SDK for JavaScript in a pod, which knows where to ask, and as whom, from its environment alone; as `pod_client.py`. */
import {
  BatchGetSecretValueCommand,
  GetSecretValueCommand,
  paginateListSecrets,
  SecretsManagerClient
} from '@aws-sdk/client-secrets-manager'

/** More than one call has. */
const BATCH = 20

const client = new SecretsManagerClient()

const told = ({ name, message }: Error): object => ({ error: name, text: message })

const getAll = async (SecretIdList: string[]) => {
  const { SecretValues = [], Errors = [] } = await client.send(
    new BatchGetSecretValueCommand({ SecretIdList })
  )
  return { SecretValues, Errors }
}

const read = async (group: string, other: string): Promise<object> => {
  const names: string[] = []
  const Filters = [{ Key: 'name' as const, Values: [group] }]
  for await (const { SecretList = [] } of paginateListSecrets({ client }, { Filters })) {
    names.push(...SecretList.flatMap(({ Name }) => Name ?? []))
  }
  const values: Record<string, string> = {}
  for (let start = 0; start < names.length; start += BATCH) {
    const { SecretValues } = await getAll(names.slice(start, start + BATCH))
    for (const { Name = '', SecretString = '' } of SecretValues) values[Name] = SecretString
  }
  const one = await client
    .send(new GetSecretValueCommand({ SecretId: other }))
    .then(({ SecretString }) => ({ value: SecretString }), told)
  return { values, others: [one, await getAll([other])] }
}

const [, , group = '', other = ''] = process.argv
process.stdout.write(JSON.stringify(await read(group, other).catch(told)))
