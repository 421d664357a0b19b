/**
 * AWS Secrets Manager. Credentials come from the SDK's default chain (environment, profile, web identity, container,
 * instance), the region and the accounts from configuration. Rule: a write makes a new version of a secret that exists; the
 * secret itself, its tags, its key and its policy are the operator's.
 *
 * IAM, of `secretsmanager:`, each only where it is wanted, and on the secrets themselves unless `*` is said:
 * - to read `GetSecretValue` (with a KMS key of one's own also `kms:Decrypt`); many in one call `BatchGetSecretValue` on
 *   `*`, without which they are read one by one;
 * - to read their tags `DescribeSecret`;
 * - to write `PutSecretValue` (with a key of one's own also `kms:GenerateDataKey` and `kms:Decrypt`);
 * - to list `ListSecrets` on `*`. A check lists too: where that is denied, AWS answers and knows us, and the store counts as
 *   healthy.
 */
import { randomUUID } from 'node:crypto'
import { ProviderFault } from '../../core/fault.ts'
import { pemOfFile } from '../../core/file-text.ts'
import { ANY_VERSION } from '../../core/reference-grammar.ts'
import { readFileBytes } from '../../files/read.ts'
import { defineKind } from '../kind.ts'
import type { CallOptions, SecretProvider } from '../provider.ts'
import { createHttpAgent, createHttpsAgent } from '../shared/proxy-agent.ts'
import { VERSION } from '../shared/user-agent.ts'
import type { AwsAddress } from './address.ts'
import { createReadMany } from './batch.ts'
import { definitions } from './definitions.ts'
import { events } from './events.ts'
import { DISOWNED, faultOf, REASONS_OF_WRITE, type Reasons, SKEWED } from './faults.ts'
import { arn, awssecrets, names } from './forms.ts'
import { createChain } from './login.ts'
import { requestFor, secretIdOf, spellingsOf, toRecord, writable } from './record.ts'
import { partitionOf, Settings } from './settings.ts'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** What a name can hold, and so a prefix of names; anything else AWS would refuse to filter by. */
const PREFIX = /^[\w/+=.@-][\w/+=.@!-]{0,511}$/

const MOST_PER_PAGE = 100

/** What the client hands down to its chain of credentials, though its type does not say so. */
const OF_CHAIN: object = {
  // An answer without a token is one that a page or an open proxy on the instance could have had as well (IMDSv2).
  ec2MetadataV1Disabled: true,
  // Or files of profiles would be read once in the life of a process, and a mended one never.
  ignoreCache: true
}

const filterFor = (prefix: string) =>
  prefix === '' ? {} : { Filters: [{ Key: 'name' as const, Values: [prefix] }] }

export const awsSecretsManager = defineKind({
  kind: 'aws-secrets-manager',
  tags: 'tags',
  proxies: true,
  settings: Settings,
  // GetSecretValue: 10,000 a second, per account and region.
  // https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
  quota: { perSecond: 5_000, burst: 5_000 },
  sdkVariables: /^AWS_/,
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
    if (endpoint?.startsWith('http:') && !LOOPBACK.test(new URL(endpoint).hostname)) {
      throw new Error('an http: endpoint would send secrets in the clear: use https:')
    }
    return { kind: 'aws-secrets-manager', partition: partitionOf(settings), region, accounts }
  },

  connect: async ({ region, endpoint, caCertFile }, deps) => {
    const { now } = deps
    const sdk = await import('@aws-sdk/client-secrets-manager')
    const client = new sdk.SecretsManagerClient({
      ...OF_CHAIN,
      region,
      customUserAgent: [['purser', VERSION]],
      ...(endpoint !== undefined && { endpoint }),
      // Retries are ours: the SDK's would wait out a throttle, in a caller's time, where the breaker should hear of it.
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: 1_000,
        requestTimeout: 10_000, // a net below the caller's signal, which comes sooner
        throwOnRequestTimeout: true, // otherwise it is only a line on the console
        httpAgent: createHttpAgent({ keepAlive: true, maxSockets: 50 }, deps.route),
        httpsAgent: createHttpsAgent(
          {
            keepAlive: true,
            maxSockets: 50,
            ...(caCertFile !== undefined && { ca: pemOfFile(await readFileBytes(caCertFile)) })
          },
          deps.route
        )
      }
    })

    const chain = createChain((options) => client.config.credentials(options), deps)

    /** `send` is called anew for each attempt; `reasons` as for `faultOf`. */
    const call = <T>(
      options: CallOptions,
      send: (sending: { readonly abortSignal: AbortSignal }) => Promise<T>,
      reasons?: Reasons
    ): Promise<T> => {
      const attempt = (): Promise<T> =>
        send({ abortSignal: options.signal }).catch((error: unknown) => {
          throw faultOf(error, now(), reasons)
        })
      return chain.use(options, attempt, {
        isDisowned: ({ code = '' }) => DISOWNED.has(code),
        isMended: () =>
          chain.get().then(
            () => true,
            () => false
          ),
        isWorthAnother: ({ code = '', reason }) => reason === 'unavailable' || SKEWED.has(code)
      })
    }

    const read: SecretProvider['read'] = async (locator, options) => {
      const request = requestFor(locator)
      return toRecord(
        await call(options, (sending) =>
          client.send(new sdk.GetSecretValueCommand(request), sending)
        )
      )
    }

    return {
      read,
      readMany: createReadMany(read, (ids, options) =>
        call(options, (sending) =>
          client.send(new sdk.BatchGetSecretValueCommand({ SecretIdList: ids }), sending)
        )
      ),
      readTags: async (locator, options) => {
        const request = { SecretId: secretIdOf(locator) }
        const { ARN, Tags = [] } = await call(options, (sending) =>
          client.send(new sdk.DescribeSecretCommand(request), sending)
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
          (sending) => client.send(new sdk.PutSecretValueCommand(request), sending),
          REASONS_OF_WRITE
        )
        if (version === undefined) throw new ProviderFault('invalid_answer')
        return { version }
      },
      list: async (prefix, { limit, cursor }, options) => {
        if (prefix !== '' && !PREFIX.test(prefix)) return { paths: [] }
        const request = {
          ...filterFor(prefix),
          MaxResults: Math.min(limit, MOST_PER_PAGE),
          SortBy: 'name' as const,
          SortOrder: 'asc' as const,
          ...(cursor !== undefined && { NextToken: cursor })
        }
        const { SecretList, NextToken } = await call(options, (sending) =>
          client.send(new sdk.ListSecretsCommand(request), sending)
        )
        if (SecretList === undefined) throw new ProviderFault('invalid_answer')
        // The filter is AWS's; that nothing else comes out is ours to see to.
        const paths = SecretList.flatMap(({ Name }) => (Name?.startsWith(prefix) ? [Name] : []))
        return { paths, ...(typeof NextToken === 'string' && { cursor: NextToken }) }
      },
      check: async (options) => {
        const request = { MaxResults: 1 }
        try {
          await call(options, (sending) =>
            client.send(new sdk.ListSecretsCommand(request), sending)
          )
        } catch (fault) {
          // AWS knows who we are and does not let us list: a least-privilege role, in good health.
          if ((fault as ProviderFault).code !== 'AccessDeniedException') throw fault
        }
      },
      close: async () => {
        chain.close()
        client.destroy()
      }
    }
  }
})
