/** docs/metrics.md, made from the table of families and from what is measured of a process. */
import { FAMILIES, familyNames } from '../src/telemetry/families.ts'
import { processRegistry } from '../src/telemetry/metrics.ts'

const PAGE = `# Metrics

Figures for Prometheus at \`GET /internal/metrics\`, unless METRICS_ENABLED is false: then the route is 404 and nothing is counted. With
INTERNAL_HOST and INTERNAL_PORT it is served there and nowhere else. It is opened by METRICS_TOKEN as Bearer, which opens nothing else, or by
X-Internal-Secret:

\`\`\`yaml
scrape_configs:
  - job_name: purser
    metrics_path: /internal/metrics
    authorization: { credentials_file: /run/secrets/purser_metrics_token }
    static_configs: [{ targets: ['127.0.0.1:8700'] }]
\`\`\`

No label holds the name of a secret, a client, a key or a bot. \`store\` is a store of purser.yaml, or \`none\` where a reference named no such
store; \`route\` is a template of openapi.yaml, at a [door](doors.md) with its dialect before it (\`vault /v1/:mount/data/*\`), or \`none\` where a request had no route; \`code\` is a problem code, \`ok\`, or \`aborted\` where the
caller left before the end of the answer (status 499: before it had begun; a reader of \`/v1/events\` always leaves so). A request that could not be read at
all has the method \`none\`. \`ends\` is \`1d\`, \`7d\`, \`30d\`, \`90d\` (each from the one before it), \`later\` or \`never\`.

Counters begin at 0 at the start for each set of labels that can be foreseen, so that \`rate()\` and \`increase()\` see the first event: decisions, limits,
reads and calls of each store by outcome, and \`internal_error\` of each route. Other answers of a route, and histograms, begin when they come.

All figures are of one process, since its start. With WORKERS whichever worker is asked answers for all, each series with the label \`worker\`, its number; a worker
that did not answer within two seconds is left out. One that was replaced begins anew, which \`rate\` understands. API keys are the same in all replicas and
workers: take their \`max\`, not their \`sum\`.
`

interface Row {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
  readonly help: string
}

const lineOf = ({ name, type, labels, help }: Row): string =>
  `| \`${name}\` | ${type} | ${labels.map((one) => `\`${one}\``).join(', ')} | ${help} |`

const table = (rows: readonly Row[]): string =>
  ['| name | type | labels | |', '|---|---|---|---|', ...rows.map(lineOf)].join('\n')

/** In the order of the page. */
export const documentedNames = (page: string): string[] =>
  [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name)

export const renderMetrics = async (): Promise<string> => {
  const figures = await processRegistry().getMetricsAsJSON()
  const ofProcess = figures.map(({ name, type, help }) => ({
    name,
    type: String(type),
    labels: [],
    help: help.replace(/\.$/, '')
  }))
  const ours = familyNames.map((name) => ({ name, ...FAMILIES[name] }))
  return `${PAGE}
## Of Purser

${table(ours)}

## Of the process

On Linux; elsewhere there are fewer of them.

${table(ofProcess)}
`
}
