/** What IAM says of our rights: simulated there, and nothing tried; and whom AWS takes us for, by moto. */
import { createServer } from 'node:http'
import { type Test, test } from 'tap'
import { awsSecretsManager } from '../../../src/kinds/aws/index.ts'
import type { SecretProvider } from '../../../src/kinds/provider.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import { isInstalled, skipWithout, startPeer } from '../../support/peers.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { listen } from '../../support/wire.ts'

const ROLE = 'arn:aws:sts::123456789012:assumed-role/purser/i-0123'

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html, its example. */
const result = (action: string, decision: string): string =>
  `<member><MatchedStatements>${decision === 'allowed' ? '<member><SourcePolicyId>p</SourcePolicyId></member>' : ''}</MatchedStatements>
<MissingContextValues/><EvalResourceName>*</EvalResourceName><EvalDecision>${decision}</EvalDecision><EvalActionName>${action}</EvalActionName></member>`

interface Asked {
  readonly service: string
  readonly fields: URLSearchParams
}

const openAws = async (
  t: Test,
  allows: (action: string, resource: string) => boolean,
  refuses: { readonly status: number; readonly text: string } | undefined = undefined,
  identity = ROLE
) => {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece) => {
      body += piece
    })
    request.on('end', () => {
      const { authorization = '' } = request.headers
      const [, service = ''] = /\/(\w+)\/aws4_request/.exec(authorization) ?? []
      const fields = new URLSearchParams(body)
      asked.push({ service, fields })
      if (service === 'iam' && refuses !== undefined) {
        response.writeHead(refuses.status).end(refuses.text)
        return
      }
      if (service === 'sts') {
        response.end(
          `<GetCallerIdentityResponse><Arn>${identity}</Arn></GetCallerIdentityResponse>`
        )
        return
      }
      const resource = fields.get('ResourceArns.member.1') ?? ''
      const actions = [...fields].filter(([name]) => name.startsWith('ActionNames.'))
      const results = actions.map(([, action]) =>
        result(action, allows(action, resource) ? 'allowed' : 'implicitDeny')
      )
      response.end(`<EvaluationResults>${results.join('\n')}</EvaluationResults>`)
    })
  })
  const endpoint = `http://127.0.0.1:${await listen(t, server)}`
  return { asked, provider: await connect(t, endpoint) }
}

const connect = async (t: Test, endpoint: string): Promise<SecretProvider> => {
  const former = { ...process.env }
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'x' })
  const provider = await awsSecretsManager.connect({ region: 'eu-west-1', endpoint }, createDeps())
  t.teardown(async () => {
    process.env = former
    await provider.close()
  })
  return provider
}

const review = (provider: SecretProvider, writes = false) => {
  if (provider.review === undefined) throw new Error('a power is missing')
  return provider.review({ reads: [], writes }, within())
}

test('who may only read has no right too many, and IAM alone was asked', async (t) => {
  const { provider, asked } = await openAws(t, (action) => action.endsWith(':GetSecretValue'))
  t.strictSame(await review(provider), { lacking: [], excess: [] })
  t.strictSame(
    asked.map(({ service, fields }) => [service, fields.get('Action')]),
    [
      ['sts', 'GetCallerIdentity'],
      ['iam', 'SimulatePrincipalPolicy'],
      ['iam', 'SimulatePrincipalPolicy']
    ]
  )
  await provider.check(within()).catch(() => {})
  t.equal(asked.at(-1)?.service, 'secretsmanager', 'the client signs for itself as before')
  const principals = new Set(asked.map(({ fields }) => fields.get('PolicySourceArn')))
  t.match([...principals], [null, 'arn:aws:iam::123456789012:role/purser'])
})

test('whatever else the policies allow is told', async (t) => {
  const { provider } = await openAws(t, (action) =>
    ['secretsmanager:DeleteSecret', 'secretsmanager:PutSecretValue', 'iam:PutRolePolicy'].includes(
      action
    )
  )
  t.strictSame(await review(provider), {
    lacking: [],
    excess: ['delete secrets', 'write secrets', 'change rights of roles']
  })
  t.strictSame((await review(provider, true))?.excess, ['delete secrets', 'change rights of roles'])
})

test('a user is himself, and an identity of another form is not guessed', async (t) => {
  const user = 'arn:aws:iam::123456789012:user/team/purser'
  const { provider, asked } = await openAws(t, () => false, undefined, user)
  await review(provider)
  t.equal(asked.at(-1)?.fields.get('PolicySourceArn'), user)
  const odd = await openAws(t, () => false, undefined, 'arn:aws:iam::123456789012:root')
  t.equal((await faultOf(review(odd.provider))).reason, 'invalid_answer')
})

test('who may not ask is a denial that repeats nothing of the answer', async (t) => {
  const canary = createCanary()
  const { provider } = await openAws(t, () => false, {
    status: 403,
    text: `<Error><Code>AccessDenied</Code><Message>${canary.token}</Message></Error>`
  })
  const fault = await faultOf(review(provider))
  t.match(fault, { reason: 'denied', status: 403 })
  t.strictSame(canary.findIn(everythingIn(fault)), [])
  const empty = await openAws(t, () => false, { status: 200, text: '<EvaluationResults/>' })
  t.equal((await faultOf(review(empty.provider))).reason, 'invalid_answer')
})

test('moto takes the signature for STS and says who we are; it simulates nothing, and that is a fault', async (t) => {
  if (skipWithout(t, await isInstalled('moto'))) return
  const { url } = await startPeer(t, 'moto')
  const fault = await faultOf(review(await connect(t, url)))
  t.not(fault.reason, 'timeout')
})
