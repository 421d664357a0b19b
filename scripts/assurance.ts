/** docs/assurance.md, made from the table of test/support/assurance.ts. */
import { ASSURANCE, ASVS, type Promised } from '../test/support/assurance.ts'

const PAGE = `# Promises and their tests

Made by \`npm run docs\` from the table in [test/support/assurance.ts](../test/support/assurance.ts); a test fails where one that is named here is gone. What is promised
in one sentence of [SECURITY.md](../SECURITY.md) (its number stands behind § here) is taken apart into what can be tested. V numbers are requirements of OWASP's
[Application Security Verification Standard 5.0](https://github.com/OWASP/ASVS/tree/master/5.0), listed at the end with what they ask for: a test shows that the promise
holds where it looks, not that a requirement is met as a whole. Paths are below \`test/\`; a title with … is one of several tests that are made from a table, and what
stands at a file of failures is such a case. Run one with \`npm test -- build/test/<file>.js\`, those of \`replicas/\` with \`npm run test:replicas\`.
`

/** What a reviewer asks of an adapter: who said that the peer is like that. */
const STORES = `## What stands for each store

The contract of a store (\`test/contract/\`) runs against a server that fails in every way, made here of the vendor's documentation, and as far as there is one against
a server or answers that Purser's authors did not write. What the latter prove, and what not:

| kind | not ours | proves | does not prove |
|---|---|---|---|
| aws-secrets-manager | [moto](https://github.com/getmoto/moto) | reads, versions, bytes, writes, lists, batches and tags as another author understands Amazon's API | IAM, KMS and limits; what Amazon says that moto does not |
| vault | [OpenBao](https://github.com/openbao/openbao), a real server | reads, versions, writes that compare, lists, policies, tokens that end, logins | HashiCorp's own releases after the two parted, and Enterprise |
| kubernetes | kube-apiserver and etcd, the real ones | rights by name, tokens of service accounts, client certificates, writes that compare, validation, its 429, an etcd that hangs or is gone | what a kubelet does (tokens of pods that are exchanged) and a provider's proxy before the API server; other releases |
| gcp-secret-manager | the store of [drongo](https://pypi.org/project/drongo/) behind Google's gRPC server and messages | HTTP/2, gRPC and every message as Google's code reads and writes them; reads, versions, bytes, checksums, writes, pages, labels | IAM, limits, regions and logins; that \`latest\` may be a disabled version, and Google's words for it |
| azure-key-vault | answers of the real Key Vault and the real Entra, recorded by others, replayed under the vault's own host name | each of these answers is understood on the way of production, login included | what nobody has recorded; one request after the other (a fake that remembers does that) |
| onepassword-connect | 1Password's own client, which reads from our fake | the fake talks as that client expects | the real Connect server |
| local | needs none: it is Purser's own | | |
`

/** The same question, about openapi.yaml. */
const DESCRIPTION = `## What asks the service for all that it says of itself

[Schemathesis](https://schemathesis.readthedocs.io/) 4.32.5, all checks, phases examples, coverage, fuzzing and stateful, one seed, on the built program over HTTP: 2,619 cases as an administrator
with the internal secret, 2,063 with the key of a program, 1,989 without one, each answered as openapi.yaml has it, none by a 5xx. One operation is left out, the stream of events, which does not end.
A 400 to data that fits its schema passes only for a reason that no schema can say, of an operation that may give it
([hooks.py](../test/support/schemathesis/hooks.py)); so do 413, 414 and 431, which are about a whole.
`

const testsOf = ({ tests }: Promised): string =>
  Object.entries(tests)
    .map(([file, titles]) => `- [${file}](../test/${file}): ${titles.join(' · ')}`)
    .join('\n')

const sectionOf = (promised: Promised): string => {
  const { id, says, asvs, security = [], note } = promised
  const marks = [...security.map((n) => `§${n}`), ...asvs.map((n) => `V${n}`)].join(', ')
  const head = `**${says}** \`${id}\` (${marks})`
  return [head, testsOf(promised), ...(note === undefined ? [] : [note])].join('\n\n')
}

/** Lines of a table, a requirement each, with the promises that bear on it. */
const requirements = (): string => {
  const all = Object.values(ASSURANCE).flat()
  const rows = Object.entries(ASVS).map(([number, [level, subject]]) => {
    const ids = all.filter(({ asvs }) => asvs.some((one) => one === number)).map(({ id }) => id)
    return `| V${number} | ${level} | ${subject} | ${ids.map((id) => `\`${id}\``).join(', ')} |`
  })
  return ['| ASVS 5.0 | level | asks that | promises |', '|---|---|---|---|', ...rows].join('\n')
}

export const renderAssurance = (): string =>
  [
    PAGE,
    STORES,
    DESCRIPTION,
    ...Object.entries(ASSURANCE).flatMap(([subject, promises]) => [
      `## ${subject}`,
      ...promises.map(sectionOf)
    ]),
    '## By requirement',
    `${requirements()}\n`
  ].join('\n\n')
