/**
 * Writes the files that are made from the source: openapi.yaml, .env.example, docs/assurance.md, docs/metrics.md, docs/stores/,
 * the table of docs/going-live.md. A test fails while they differ.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { renderEnv } from '../src/config/env.ts'
import { renderAssurance } from './assurance.ts'
import { renderGoingLive } from './going-live.ts'
import { renderMetrics } from './metrics.ts'
import { renderOpenapi } from './openapi.ts'
import { renderStores } from './stores.ts'

export const ENV_HEADING =
  'Every setting of Purser with its default. `purser init` writes a .env of this form. Lines with OTEL_* are heeded too (docs/traces.md).'

export const generated = async (): Promise<Record<string, string>> => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  return {
    'openapi.yaml': await renderOpenapi(version),
    '.env.example': renderEnv(ENV_HEADING, {}),
    'docs/assurance.md': renderAssurance(),
    'docs/going-live.md': renderGoingLive(readFileSync('docs/going-live.md', 'utf8')),
    'docs/metrics.md': await renderMetrics(),
    ...renderStores()
  }
}

if (import.meta.filename === process.argv[1]) {
  for (const [path, text] of Object.entries(await generated())) writeFileSync(path, text)
}
