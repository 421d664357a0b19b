/** docs/assurance.md, made from the table of test/support/assurance.ts. */
import { ASSURANCE, ASVS, type Promised } from '../test/support/assurance.ts'

const PAGE = `# Promises and their tests

Made by \`npm run docs\` from the table in [test/support/assurance.ts](../test/support/assurance.ts); a test fails where one that is named here is gone. What is promised
in one sentence of [SECURITY.md](../SECURITY.md) (its number stands behind § here) is taken apart into what can be tested. V numbers are requirements of OWASP's
[Application Security Verification Standard 5.0](https://github.com/OWASP/ASVS/tree/master/5.0), listed at the end with what they ask for: a test shows that the promise
holds where it looks, not that a requirement is met as a whole. Paths are below \`test/\`; a title with … is one of several tests that are made from a table, and what
stands at a file of failures is such a case. Run one with \`npm test -- build/test/<file>.js\`, those of \`replicas/\` with \`npm run test:replicas\`.
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
    ...Object.entries(ASSURANCE).flatMap(([subject, promises]) => [
      `## ${subject}`,
      ...promises.map(sectionOf)
    ]),
    '## By requirement',
    `${requirements()}\n`
  ].join('\n\n')
