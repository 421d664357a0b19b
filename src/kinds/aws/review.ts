/**
 * What IAM says that our credentials may do: a simulation of their policies, where they may ask for one
 * (`iam:SimulatePrincipalPolicy` on themselves, `sts:GetCallerIdentity`). Rule: nothing is tried, and what AWS does not
 * answer is not known. That a secret may be read is not asked: rules of IAM may name the end of its ARN, which only AWS
 * knows. https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
 */
import { ProviderFault } from '../../core/fault.ts'
import type { CallOptions, Rights, Wanted } from '../provider.ts'
import { reasonOfStatus } from '../shared/fault-of.ts'
import { createTransport, type TransportOptions } from '../shared/http-transport.ts'

/** Signs a request of the service in the region with the store's own credentials. */
export type Sign = (
  service: string,
  region: string,
  request: {
    readonly hostname: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
) => Promise<Readonly<Record<string, string>>>

interface Place {
  readonly origin: string
  readonly region: string
}

/** Where a partition has its one IAM. https://docs.aws.amazon.com/general/latest/gr/iam-service.html */
const IAM: Readonly<Record<string, Place>> = {
  aws: { origin: 'https://iam.amazonaws.com', region: 'us-east-1' },
  'aws-cn': { origin: 'https://iam.cn-north-1.amazonaws.com.cn', region: 'cn-north-1' },
  'aws-us-gov': { origin: 'https://iam.us-gov.amazonaws.com', region: 'us-gov-west-1' }
}

export interface ReviewOptions {
  readonly partition: string
  readonly region: string
  /** On this machine, one server for all services; undefined: AWS's own. */
  readonly loopback: string | undefined
  readonly trust: TransportOptions
  readonly sign: Sign
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
const stsOf = ({ partition, region, loopback }: ReviewOptions): Place => ({
  origin: loopback ?? `https://sts.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`,
  region
})

/** The text of a 200. */
const post = async (
  service: string,
  { origin, region }: Place,
  fields: readonly (readonly [string, string])[],
  { sign, trust }: ReviewOptions,
  { signal }: CallOptions
): Promise<string> => {
  const { host, hostname } = new URL(origin)
  const body = new URLSearchParams(Object.fromEntries(fields)).toString()
  const plain = { host, 'content-type': 'application/x-www-form-urlencoded' }
  const headers = await sign(service, region, { hostname, headers: plain, body })
  const transport = createTransport(origin, trust)
  try {
    const url = `${origin}/`
    const { status, text } = await transport.send({ method: 'POST', url, headers, body, signal })
    if (status !== 200) throw new ProviderFault(reasonOfStatus(status), { status })
    return text
  } finally {
    transport.close()
  }
}

/** The user or role behind an identity; a role's session does not tell a path of the role, which IAM then denies to know. */
const principalOf = (identity: string): { readonly arn: string; readonly account: string } => {
  const [, text = ''] = /<Arn>([^<]+)<\/Arn>/.exec(identity) ?? []
  const [, partition, account = '', role] =
    /^arn:([\w-]+):sts::(\d{12}):assumed-role\/([\w+=,.@-]+)\//.exec(text) ?? []
  if (role !== undefined) return { arn: `arn:${partition}:iam::${account}:role/${role}`, account }
  const [, owner] = /^arn:[\w-]+:iam::(\d{12}):(?:user|role)\//.exec(text) ?? []
  if (owner === undefined) throw new ProviderFault('invalid_answer')
  return { arn: text, account: owner }
}

const OF_SECRETS: readonly (readonly [action: string, what: string])[] = [
  ['secretsmanager:CreateSecret', 'create secrets'],
  ['secretsmanager:UpdateSecret', 'change secrets'],
  ['secretsmanager:DeleteSecret', 'delete secrets'],
  ['secretsmanager:PutResourcePolicy', 'change who may read secrets'],
  ['secretsmanager:TagResource', 'change the tags of secrets']
]
const TO_WRITE = ['secretsmanager:PutSecretValue', 'write secrets'] as const
const OF_RIGHTS: readonly (readonly [action: string, what: string])[] = [
  ['iam:PutUserPolicy', 'change rights of users'],
  ['iam:PutRolePolicy', 'change rights of roles'],
  ['iam:AttachRolePolicy', 'attach rights to roles'],
  ['iam:CreateAccessKey', 'make credentials'],
  ['sts:AssumeRole', 'take any role']
]

const textsIn = (xml: string, tag: string): string[] =>
  [...xml.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g'))].map(([, text = '']) => text)

/** Each result has one of both. */
const allowedIn = (xml: string): ReadonlySet<string> => {
  const actions = textsIn(xml, 'EvalActionName')
  const decisions = textsIn(xml, 'EvalDecision')
  if (actions.length === 0 || actions.length !== decisions.length) {
    throw new ProviderFault('invalid_answer')
  }
  return new Set(actions.filter((_, at) => decisions[at] === 'allowed'))
}

/** Throws ProviderFault, `denied` where the credentials may not ask. */
export const reviewRights = async (
  review: ReviewOptions,
  { writes }: Wanted,
  options: CallOptions
): Promise<Rights> => {
  const { partition, region, loopback } = review
  const iam = loopback === undefined ? IAM[partition] : { origin: loopback, region: 'us-east-1' }
  if (iam === undefined) throw new ProviderFault('misconfigured')
  const asked = [
    ['Action', 'GetCallerIdentity'],
    ['Version', '2011-06-15']
  ] as const
  const identity = await post('sts', stsOf(review), asked, review, options)
  const { arn, account } = principalOf(identity)

  const granted = async (
    questions: readonly (readonly [action: string, what: string])[],
    resource: string
  ): Promise<string[]> => {
    const xml = await post(
      'iam',
      iam,
      [
        ['Action', 'SimulatePrincipalPolicy'],
        ['Version', '2010-05-08'],
        ['PolicySourceArn', arn],
        ['ResourceArns.member.1', resource],
        ...questions.map(([action], at) => [`ActionNames.member.${at + 1}`, action] as const)
      ],
      review,
      options
    )
    const allowed = allowedIn(xml)
    return questions.filter(([action]) => allowed.has(action)).map(([, what]) => what)
  }

  // Nobody has a secret of that name: what holds for it comes from a pattern.
  const secret = `arn:${partition}:secretsmanager:${region}:${account}:secret:purser-doctor-AbCdEf`
  const ofSecrets = await granted([...OF_SECRETS, ...(writes ? [] : [TO_WRITE])], secret)
  return { lacking: [], excess: [...ofSecrets, ...(await granted(OF_RIGHTS, '*'))] }
}
