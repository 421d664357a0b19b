/** `trusts:` of `purser.yaml`: what a trust becomes, and each way in which one would take more than it says. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { inspectConfigFile } from '../../../src/config/file.ts'
import { absentFiles } from '../../../src/config/trusts.ts'
import { createDirectory } from '../../support/embedded.ts'

type Entry = Readonly<Record<string, unknown>>

const OID = '5b1c7b32-5e2f-4f0a-9a3d-0f6c1b8f2a11'
const GRANT = { client: 'shop', scopes: ['aura-services:secrets'], mode: 'r', ttlSeconds: 900 }
const CLUSTER: Entry = {
  name: 'prod-cluster',
  kind: 'kubernetes',
  issuer: 'https://oidc.example',
  audience: 'purser',
  bind: { namespace: 'shop', serviceAccount: ['cart', 'api'] },
  grant: GRANT
}
const of = (changes: Entry, base: Entry = CLUSTER): Entry =>
  Object.fromEntries(
    Object.entries({ ...base, ...changes }).filter(([, value]) => value !== undefined)
  )

const inspect = (trusts: readonly Entry[], more: Entry = {}, allowsClear = false) => {
  const file = { stores: [{ name: 'local', kind: 'local' }], trusts, ...more }
  const { file: read, faults } = inspectConfigFile(JSON.stringify(file), 'purser.yaml', {
    adminScope: 'aura-admin',
    allowsClear
  })
  return { trusts: read.trusts, told: faults.map(({ message }) => message) }
}
const faultsOf = (...args: Parameters<typeof inspect>): readonly string[] => inspect(...args).told

test('a cluster is taken with what is known of its tokens', async (t) => {
  const { trusts, told } = inspect([of({ grant: { client: 'shop', scopes: ['a', 'a'] } })])
  t.same(told, [])
  t.match(trusts, [
    {
      name: 'prod-cluster',
      kind: 'service-account',
      issuer: 'https://oidc.example',
      audience: 'purser',
      keys: { from: 'discovery' },
      algorithms: ['RS256', 'ES256', 'ES384', 'ES512'],
      bind: [
        { claim: ['kubernetes.io', 'namespace'], values: ['shop'] },
        { claim: ['kubernetes.io', 'serviceaccount', 'name'], values: ['cart', 'api'] }
      ],
      grant: { client: 'shop', scopes: ['a'], mode: 'r', ttlSeconds: 900 }
    }
  ])
})

test('what a trust lacks, or has of another shape, is told at its place', async (t) => {
  const cases: readonly (readonly [Entry, string | RegExp])[] = [
    [of({ audience: undefined }), 'trusts.0 lacks audience'],
    [of({ bind: undefined }), 'trusts.0 lacks bind'],
    [of({ grant: undefined }), 'trusts.0 lacks grant'],
    [of({ kind: undefined }), 'trusts.0 must have one of kind and preset'],
    [of({ preset: 'gitlab' }), 'trusts.0 must have one of kind and preset'],
    [of({ issuer: undefined }), 'trusts.0 lacks issuer'],
    [of({ name: 'Prod' }), 'trusts.0.name must be lower-case letters, digits and hyphens'],
    [of({ more: 1 }), 'trusts.0.more is not a known member'],
    [of({ algorithms: ['HS256'] }), /trusts\.0\.algorithms\.0 must be one of RS256/],
    [of({ algorithms: ['none'] }), /trusts\.0\.algorithms\.0 must be one of RS256/],
    [of({ bind: { serviceAccountUid: OID } }), 'trusts.0.bind lacks namespace'],
    [of({ bind: { serviceAccount: 'cart' } }), 'trusts.0.bind lacks namespace'],
    [
      of({ bind: { namespace: 'shop' } }),
      'trusts.0.bind lacks serviceAccount or serviceAccountUid'
    ],
    [of({ bind: { namespace: 'shop', serviceAccount: 'c*' } }), /there are no patterns/],
    [of({ bind: { namespace: 'shop', serviceAccount: 'c', pod: 'x' } }), /pod is no claim of it/],
    [of({ jwks: { url: 'http://oidc.example/keys' } }), /jwks\.url must be an https: address/],
    [of({ issuer: 'http://oidc.example' }), /issuer must be an https: address/],
    [of({ issuer: 'kubernetes/serviceaccount' }), /issuer must be an address/],
    [of({ issuer: 'https://oidc.example?x' }), /issuer has no user, query or fragment/],
    [of({ check: 'tokenReview' }), /check needs apiServer/],
    [
      of({ apiServer: { url: 'https://10.0.0.1', tokenFile: 't' } }),
      /apiServer has no effect without check/
    ],
    [of({ proxy: 'https://proxy.example' }), /proxy must be http:\/\/host:port/],
    [of({ proxy: 'http://proxy.example', jwks: { file: 'k' } }), /proxy has no effect/],
    [of({ grant: { ...GRANT, client: '*' } }), /grant\.client must be the name of a client/],
    [of({ grant: { ...GRANT, scopes: ['aura-admin'] } }), /gives the right to administer/],
    [of({ grant: { ...GRANT, scopes: ['aura-admin:keys'] } }), /gives the right to administer/],
    [of({ grant: { ...GRANT, scopes: ['a b'] } }), /must be a scope such as/],
    [of({ grant: { ...GRANT, ttlSeconds: 86_401 } }), /grant\.ttlSeconds must be <= 86400/]
  ]
  for (const [entry, expected] of cases) {
    const told = faultsOf([entry])
    t.equal(told.length, 1, told.join('; '))
    t.match(told[0], expected)
  }
  const twice = faultsOf([CLUSTER, CLUSTER])
  t.same(twice, ['trusts.1.name stands twice'])
})

test('a scope above the right to administer leads there too', async (t) => {
  const root = { grant: { ...GRANT, scopes: ['aura'] } }
  const file = { stores: [{ name: 'local', kind: 'local' }], trusts: [of(root)] }
  const { faults } = inspectConfigFile(JSON.stringify(file), 'purser.yaml', {
    adminScope: 'aura:admin'
  })
  t.match(faults, [{ message: /gives the right to administer/ }])
})

test('no login leads to a client that may issue keys', async (t) => {
  const delegations = [{ client: ['deployer', 'shop'], clients: ['bot-*'], scopes: ['a'] }]
  t.same(faultsOf([CLUSTER], { delegations }), [
    'trusts.0.grant.client has a delegation: no login leads to the right to issue keys'
  ])
})

test('on this machine, in dev, an issuer may be in the clear', async (t) => {
  const entry = of({ issuer: 'http://127.0.0.1:8080' })
  t.same(faultsOf([entry], {}, true), [])
  t.match(faultsOf([entry]), [/must be an https: address/])
})

test('an audience of somebody else is refused: whoever has such a token could bring it here', async (t) => {
  for (const audience of [
    'https://oidc.example',
    'https://kubernetes.default.svc',
    'https://kubernetes.default.svc.cluster.local',
    'sts.amazonaws.com',
    'api://AzureADTokenExchange',
    'https://management.azure.com/',
    'https://management.core.windows.net/',
    'https://graph.microsoft.com',
    'https://vault.azure.net',
    '00000003-0000-0000-c000-000000000000',
    'https://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x',
    'https://github.com/acme'
  ]) {
    t.match(faultsOf([of({ audience })]), [/audience is that of another service/], audience)
  }
  for (const audience of ['purser', 'https://purser.example.com', 'api://purser']) {
    t.same(faultsOf([of({ audience })]), [], audience)
  }
})

const preset = (name: string, bind: Entry, more: Entry = {}): Entry => ({
  name: 'one',
  preset: name,
  audience: 'purser',
  bind,
  grant: GRANT,
  ...more
})
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const ENTRA = { issuer: `https://login.microsoftonline.com/${TENANT}/v2.0` }
const GITHUB = { repository_id: '74', repository_owner_id: '65', ref: 'refs/heads/main' }
const GITLAB = { project_id: '28', ref_protected: 'true' }
const BUNDLE = { jwks: { file: 'bundle.json' } }

test('the issuer of a preset is no audience either, also where it is left out', async (t) => {
  for (const [name, bind, audience] of [
    ['github-actions', GITHUB, 'https://token.actions.githubusercontent.com'],
    ['gcp', { sub: '104200427000000000000' }, 'https://accounts.google.com']
  ] as const) {
    const faults = faultsOf([preset(name, bind, { audience })])
    t.match(faults, [/audience is that of another service/], name)
  }
})

test('each preset knows its issuer, its keys and what has to be besides', async (t) => {
  const cases: readonly (readonly [Entry, object])[] = [
    [
      preset('github-actions', GITHUB),
      { issuer: 'https://token.actions.githubusercontent.com', keys: { from: 'discovery' } }
    ],
    [
      preset('github-actions', GITHUB, { issuer: 'https://ghes.example/_services/token' }),
      { issuer: 'https://ghes.example/_services/token' }
    ],
    [preset('gitlab', GITLAB), { issuer: 'https://gitlab.com', maxTokenAgeSeconds: 3600 }],
    [
      preset('azure', { oid: OID }, ENTRA),
      {
        keys: {
          from: 'url',
          url: `https://login.microsoftonline.com/${TENANT}/discovery/v2.0/keys`
        },
        bind: [
          { claim: ['oid'], values: [OID] },
          { claim: ['tid'], values: [TENANT] }
        ]
      }
    ],
    [
      preset('azure', { oid: OID }, { issuer: `https://sts.windows.net/${TENANT}/` }),
      { keys: { from: 'url', url: `https://login.microsoftonline.com/${TENANT}/discovery/keys` } }
    ],
    [
      preset('gcp', { sub: '104200427000000000000' }),
      {
        issuer: 'https://accounts.google.com',
        keys: { from: 'url', url: 'https://www.googleapis.com/oauth2/v3/certs' }
      }
    ],
    [
      preset('gcp', {
        email: 'cart@acme.iam.gserviceaccount.com',
        '/google/compute_engine/project_id': 'acme'
      }),
      {
        bind: [
          { claim: ['email'] },
          { claim: ['google', 'compute_engine', 'project_id'], values: ['acme'] },
          { claim: ['email_verified'], values: [true] }
        ]
      }
    ],
    [
      preset(
        'spiffe',
        { sub: ['spiffe://example.org/ns/shop/sa/cart', 'spiffe://example.org/x'] },
        BUNDLE
      ),
      { kind: 'spiffe', issuer: 'spiffe://example.org' }
    ]
  ]
  for (const [entry, expected] of cases) {
    const { trusts, told } = inspect([entry])
    t.same(told, [], JSON.stringify(entry))
    t.match(trusts[0], expected)
  }
})

test('a preset demands what nobody else can get, and refuses what proves nothing', async (t) => {
  const cases: readonly (readonly [Entry, RegExp])[] = [
    [preset('github-actions', { ...GITHUB, repository_id: 'acme/shop' }), /must be its number/],
    [
      preset('github-actions', { repository: 'acme/shop', ref: 'x', repository_id: '7' }),
      /lacks repository_owner_id/
    ],
    [preset('github-actions', { ...GITHUB, ref: undefined }), /lacks environment or ref or/],
    [preset('github-actions', { ...GITHUB, sub: 'repo:acme/shop' }), /a form that each repository/],
    [preset('github-actions', { ...GITHUB, actor: 'ana' }), /proves nothing/],
    [preset('gitlab', { project_id: '28' }), /lacks ref_protected or/],
    [preset('gitlab', { ref_protected: 'true' }), /lacks project_id or namespace_id/],
    [preset('gitlab', { ...GITLAB, project_id: 28 }), /bind\.project_id must be a text, in quotes/],
    [preset('azure', { oid: OID }), /lacks issuer/],
    ...['common', 'organizations', 'consumers', 'acme.onmicrosoft.com'].map(
      (tenant) =>
        [
          preset(
            'azure',
            { oid: OID },
            { issuer: `https://login.microsoftonline.com/${tenant}/v2.0` }
          ),
          /that of one tenant, by its id/
        ] as const
    ),
    [preset('azure', { tid: TENANT }, ENTRA), /lacks oid/],
    [preset('azure', { oid: OID, groups: 'x' }, ENTRA), /is left out of tokens/],
    [preset('azure', { oid: OID, email: 'x' }, ENTRA), /can be chosen by its user/],
    [
      preset('azure', { oid: OID }, { ...ENTRA, jwks: { url: 'https://eve.example' } }),
      /nowhere else/
    ],
    [preset('gcp', { hd: 'acme.example', sub: '1' }), /of everybody in the domain/],
    [preset('gcp', { azp: '1' }), /lacks sub or email/],
    [preset('gcp', { sub: '1' }, { issuer: 'https://accounts.example' }), /that of Google/],
    [preset('gcp', { sub: '1' }, { jwks: { file: 'keys' } }), /nowhere else/],
    [preset('spiffe', { sub: 'spiffe://example.org/a' }), /where the bundle is/],
    [preset('spiffe', { sub: 'spiffe://example.org' }, BUNDLE), /must be a SPIFFE ID/],
    [preset('spiffe', { sub: 'example.org/a' }, BUNDLE), /must be a SPIFFE ID/],
    [preset('spiffe', { sub: ['spiffe://a/x', 'spiffe://b/x'] }, BUNDLE), /several trust domains/],
    [
      preset(
        'spiffe',
        { sub: 'spiffe://example.org/a' },
        { ...BUNDLE, issuer: 'https://x.example' }
      ),
      /issuer is none/
    ],
    [preset('spiffe', {}, { ...BUNDLE, check: 'tokenReview' }), /lacks sub/]
  ]
  for (const [entry, expected] of cases) {
    const told = faultsOf([of({}, entry), of({ name: 'other' })].map((one) => of({}, one)))
    t.match(told.join('\n'), expected, JSON.stringify(entry))
  }
})

const generic = (bind: Entry, more: Entry = {}): Entry => of({ kind: 'oidc', bind, ...more })

test('any other issuer needs a claim that says who it is', async (t) => {
  t.same(faultsOf([generic({ sub: 'a' })]), [])
  t.same(faultsOf([generic({ '/acme~1team/name': 'a' })]), [])
  for (const bind of [{}, { azp: 'a' }, { email_verified: 'true', hd: 'acme.example' }]) {
    t.match(faultsOf([generic(bind)]), [/lacks a claim that says who it is/])
  }
  for (const name of ['iss', 'aud', 'exp', 'iat', 'nbf', 'jti']) {
    t.match(faultsOf([generic({ sub: 'a', [name]: 'x' })]), [/has no place here/])
  }
})

test('an address of mail counts with the word that it was verified alone, wherever it stands', async (t) => {
  const boundOf = (entry: Entry) => inspect([entry]).trusts[0]?.bind
  for (const bind of [{ email: 'a@b.c' }, { '/email': 'a@b.c' }]) {
    t.same(boundOf(generic(bind)), [
      { claim: ['email'], values: ['a@b.c'] },
      { claim: ['email_verified'], values: [true] }
    ])
  }
  t.same(boundOf(generic({ sub: 'a', '/user/email': 'a@b.c' }))?.at(-1), {
    claim: ['user', 'email_verified'],
    values: [true]
  })
  const spiffe = preset('spiffe', { sub: 'spiffe://example.org/a', email: 'a@b.c' }, BUNDLE)
  t.same(boundOf(spiffe)?.at(-1)?.claim, ['email_verified'])
  t.notMatch(JSON.stringify(boundOf(generic({ sub: 'a' }))), /email/)
  for (const name of ['email_verified', '/email_verified']) {
    t.match(faultsOf([generic({ email: 'a@b.c', [name]: 'true' })]), [/is demanded anyway/])
  }
})

test('a pointer to a claim is held to what holds for its name', async (t) => {
  for (const name of ['/iss', '/aud', '/jti']) {
    t.match(faultsOf([generic({ sub: 'a', [name]: 'x' })]), [/has no place here/], name)
  }
  for (const name of ['/', '//', '/a/', '//a', '']) {
    t.match(faultsOf([generic({ sub: 'a', [name]: 'x' })]), [/an empty name/], name)
  }
  t.match(faultsOf([generic({ sub: 'a', '/a~2': 'x' })]), [/is no JSON pointer/])
  const nameless = ['/azp', '/act/iss', '/act/aud', '/a/hd', '/act/exp', '/scope']
  for (const name of [...nameless, 'name', 'preferred_username', '/nickname', 'phone_number']) {
    t.match(faultsOf([generic({ [name]: 'x' })]), [/lacks a claim that says who it is/], name)
  }
  t.same(faultsOf([generic({ '/act/sub': 'x' })]), [])
  t.match(faultsOf([preset('azure', { oid: OID, '/email': 'x' }, ENTRA)]), [
    /be chosen by its user/
  ])
  t.match(faultsOf([preset('github-actions', { ...GITHUB, '/actor': 'x' })]), [/proves nothing/])
  t.match(faultsOf([preset('gcp', { '/sub': 'x' })]), [/must be its number/])
  t.same(faultsOf([preset('gcp', { '/sub': '1' })]), [])
})

test('a file that a trust names and that is not there is told, before somebody logs in', async (t) => {
  const folder = createDirectory(t)
  writeFileSync(join(folder, 'keys'), '{}')
  const { trusts } = inspect([of({ jwks: { file: 'keys' }, caFile: 'none', tokenFile: 'neither' })])
  const one =
    'purser.yaml: the trust prod-cluster names a file that is not there: nobody logs in by it'
  t.same(absentFiles(trusts, 'purser.yaml', folder), [one, one])
})
