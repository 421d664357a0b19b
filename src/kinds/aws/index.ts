/**
 * AWS Secrets Manager. Credentials come from the SDK's default chain (environment, profile, web identity, container,
 * instance), the region and the accounts from configuration. Rule: a write makes a new version of a secret that exists;
 * the secret itself, its tags, its key and its policy are the operator's.
 *
 * IAM, of `secretsmanager:`, each only where it is wanted, and on the secrets themselves unless `*` is said:
 * - to read `GetSecretValue` (with a KMS key of one's own also `kms:Decrypt`); many in one call `BatchGetSecretValue`
 *   on `*`, without which they are read one by one;
 * - to read their tags `DescribeSecret`;
 * - to write `PutSecretValue` (with a key of one's own also `kms:GenerateDataKey` and `kms:Decrypt`);
 * - to list `ListSecrets` on `*`. A check lists too: where that is denied, AWS answers and knows us, and the store
 *   counts as healthy;
 * - for `purser doctor` to see whether all this is the least: `iam:SimulatePrincipalPolicy` on itself.
 */
import { randomUUID } from 'node:crypto'
import { ProviderFault } from '../../core/fault.ts'
import { isLoopback } from '../../core/network.ts'
import { ANY_VERSION } from '../../core/reference-grammar.ts'
import { defineKind } from '../kind.ts'
import type {
  CallOptions,
  Listing,
  PageRequest,
  ProviderDeps,
  SecretProvider
} from '../provider.ts'
import { askTime } from '../shared/clock.ts'
import { trustOf } from '../shared/trust.ts'
import type { AwsAddress } from './address.ts'
import { type Api, createApi } from './api.ts'
import { createReadMany } from './batch.ts'
import { definitions } from './definitions.ts'
import { events } from './events.ts'
import { REASONS_OF_WRITE } from './faults.ts'
import { arn, awssecrets, names } from './forms.ts'
import { requestFor, secretIdOf, spellingsOf, toRecord, writable } from './record.ts'
import { type ReviewOptions, reviewRights, type Sign } from './review.ts'
import { originOf, partitionOf, StoreSettings } from './settings.ts'

/** What a name can hold, and so a prefix of names; anything else AWS would refuse to filter by. */
const PREFIX = /^[\w/+=.@-][\w/+=.@!-]{0,511}$/

const MOST_PER_PAGE = 100

const listNames = async (
  call: Api['call'],
  prefix: string,
  { limit, cursor }: PageRequest,
  options: CallOptions
): Promise<Listing> => {
  if (prefix !== '' && !PREFIX.test(prefix)) return { paths: [] }
  const request = {
    ...(prefix !== '' && { Filters: [{ Key: 'name' as const, Values: [prefix] }] }),
    MaxResults: Math.min(limit, MOST_PER_PAGE),
    SortBy: 'name' as const,
    SortOrder: 'asc' as const,
    ...(cursor !== undefined && { NextToken: cursor })
  }
  const { SecretList, NextToken } = await call(options, (client, sending) =>
    client.listSecrets(request, sending)
  )
  if (SecretList === undefined) throw new ProviderFault('invalid_answer')
  // The filter is AWS's; that nothing else comes out is ours to see to.
  const paths = SecretList.flatMap(({ Name }) => (Name?.startsWith(prefix) ? [Name] : []))
  return { paths, ...(typeof NextToken === 'string' && { cursor: NextToken }) }
}

const reviewOptionsOf = async (
  settings: StoreSettings,
  { route }: ProviderDeps,
  sign: Sign
): Promise<ReviewOptions> => {
  const { region, endpoint, caCertFile } = settings
  const isHere = endpoint !== undefined && isLoopback(new URL(endpoint).hostname)
  return {
    partition: partitionOf(settings),
    region,
    loopback: isHere ? new URL(endpoint).origin : undefined,
    trust: await trustOf(caCertFile, route),
    sign
  }
}

export const awsSecretsManager = defineKind({
  kind: 'aws-secrets-manager',
  tags: 'tags',
  proxies: true,
  settings: StoreSettings,
  // GetSecretValue: 10,000 a second, per account and region.
  // https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
  quota: { perSecond: 5_000, burst: 5_000 },
  sdkVariables: /^AWS_/,
  // Of STS too, to which a workload's token goes.
  addressVariables: /^AWS_ENDPOINT_URL(?:_[A-Z0-9_]+)?$/,
  paths: names,
  // Names are opaque to AWS: there are no folders.
  folders: names,
  versions: ANY_VERSION,
  forms: [arn],
  vals: { awssecrets },
  events,
  definitions,
  botMember: { name: 'credentialsAwsSecrets', form: /^arn:/ },
  spellings: spellingsOf,

  address: (settings): AwsAddress => {
    const { region, accounts = [], endpoint } = settings
    if (endpoint?.startsWith('http:') && !isLoopback(new URL(endpoint).hostname)) {
      throw new Error('an http: endpoint would send secrets in the clear: use https:')
    }
    return { kind: 'aws-secrets-manager', partition: partitionOf(settings), region, accounts }
  },

  connect: async (settings, deps) => {
    const { call, sign, close } = await createApi(settings, deps)

    const read: SecretProvider['read'] = async (locator, options) => {
      const request = requestFor(locator)
      return toRecord(
        await call(options, (client, sending) => client.getSecretValue(request, sending))
      )
    }

    return {
      read,
      readMany: createReadMany(read, (SecretIdList, options) =>
        call(options, (client, sending) => client.batchGetSecretValue({ SecretIdList }, sending))
      ),
      readTags: async (locator, options) => {
        const request = { SecretId: secretIdOf(locator) }
        const { ARN, Tags = [] } = await call(options, (client, sending) =>
          client.describeSecret(request, sending)
        )
        if (ARN === undefined) throw new ProviderFault('invalid_answer')
        return new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value]))
      },
      write: async (locator, text, options) => {
        const request = {
          SecretId: secretIdOf(locator),
          SecretString: writable(text.reveal()),
          // One for all attempts: AWS takes a write that it has seen before for the same one.
          ClientRequestToken: randomUUID()
        }
        const { VersionId: version } = await call(
          options,
          (client, sending) => client.putSecretValue(request, sending),
          REASONS_OF_WRITE
        )
        if (version === undefined) throw new ProviderFault('invalid_answer')
        return { version }
      },
      list: (prefix, page, options) => listNames(call, prefix, page, options),
      check: async (options) => {
        try {
          await call(options, (client, sending) => client.listSecrets({ MaxResults: 1 }, sending))
        } catch (fault) {
          // AWS knows who we are and does not let us list: a least-privilege role, in good health.
          if ((fault as ProviderFault).code !== 'AccessDeniedException') throw fault
        }
      },
      review: async (wanted, options) =>
        reviewRights(await reviewOptionsOf(settings, deps, sign), wanted, options),
      clock: async (options) => {
        const origin = originOf(settings)
        const { caCertFile } = settings
        return origin === undefined
          ? undefined
          : askTime(origin, { caCertFile, route: deps.route }, options)
      },
      close
    }
  }
})
