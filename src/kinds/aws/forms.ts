/**
 * References to secrets of AWS: ARNs, `ref+awssecrets://`, names and versions. Rule: a form takes its text apart and
 * looks for the first configured store that it names; it never makes an account or a region out of what was written.
 */
import { malformed, matching } from '../../core/reference-grammar.ts'
import { VALS, type ValsBackend } from '../../core/reference-vals.ts'
import { type Form, parameters, seek, urlPathOf } from '../../core/reference-written.ts'
import type { AwsAddress } from './address.ts'

const KIND = 'aws-secrets-manager'

// CreateSecret, Name: 512 letters, digits and /_+=.@-; and 7 for the suffix that AWS appends in an ARN. The exclamation
// mark is in the names of secrets that other services manage, `rds!db-…` (User Guide, "Managed secrets"). A name is
// opaque to AWS: slashes are letters like others there.
export const names = matching(
  /^[A-Za-z0-9/_+=.@!-]{1,519}$/,
  'an AWS secret name has up to 512 letters, digits and / _ + = . @ - !'
)

const ARN = 'an AWS ARN'

/** `arn:<partition>:secretsmanager:<region>:<account>:secret:<name>[#<field>]` */
export const arn: Form = {
  begins: ['arn:'],
  read: ({ head, query, field }, stores) => {
    parameters(ARN, query, [])
    const [, partition = '', service, region = '', account = '', type, path = '', ...rest] =
      head.split(':')
    if (service !== 'secretsmanager' || type !== 'secret' || rest.length > 0) {
      throw malformed(ARN, 'it is of a secret: secretsmanager, region, account, secret, name')
    }
    const isPlace =
      /^aws[a-z-]{0,20}$/.test(partition) &&
      /^[a-z0-9-]{1,32}$/.test(region) &&
      /^[0-9]{12}$/.test(account)
    if (!isPlace) {
      throw malformed(
        ARN,
        'it has a partition, a region such as eu-west-1 and an account of 12 digits, no placeholders of an example'
      )
    }
    const store = seek<AwsAddress>(
      stores,
      KIND,
      (address) =>
        address.partition === partition &&
        address.region === region &&
        address.accounts.includes(account)
    )
    // A name may itself end in what looks like the suffix of an ARN, and only AWS can tell: nothing is cut off.
    return { form: ARN, kind: KIND, store, path, field, nativeId: head }
  }
}

export const awssecrets: ValsBackend = {
  parameters: ['region', 'version_id', 'version_stage'],
  read: (path, given, field, stores) => {
    const region = given.get('region')
    const there = stores.filter(
      ({ address }) =>
        address.kind === KIND && (region === undefined || region === address['region'])
    )
    const version = given.get('version_id') ?? given.get('version_stage')
    if (given.has('version_id') && given.has('version_stage')) {
      throw malformed(VALS, 'it has one of version_id and version_stage')
    }
    return path.startsWith('arn:')
      ? { ...arn.read({ head: path }, there), version, field }
      : {
          form: VALS,
          kind: KIND,
          store: there[0],
          path: urlPathOf(VALS, path),
          version,
          field
        }
  }
}
