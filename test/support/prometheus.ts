/** A real Prometheus, configured as docs/metrics.md says, with our alerts as its rules. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { documentation } from './doc-blocks.ts'
import { createDirectory } from './embedded.ts'
import { startPeer } from './peers.ts'

export interface Result {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

export interface Prometheus {
  /** An instant query, now. */
  readonly query: (expr: string) => Promise<readonly Result[]>
  /** What its API answers below /api/v1/. */
  readonly ask: <T>(path: string) => Promise<T>
}

/** The sample of the page, for these targets and this token. */
const scrapeConfigs = (targets: readonly string[], tokenFile: string) => {
  const block = documentation().find(({ text }) => text.startsWith('scrape_configs:'))
  const [config] = parse(block?.text ?? '').scrape_configs
  return [
    {
      ...config,
      scrape_interval: '1s',
      authorization: { ...config.authorization, credentials_file: tokenFile },
      static_configs: [{ targets }]
    }
  ]
}

export const startPrometheus = async (
  t: Test,
  targets: readonly string[],
  token: string
): Promise<Prometheus> => {
  const folder = createDirectory(t)
  const [file, tokenFile] = [join(folder, 'prometheus.yml'), join(folder, 'token')]
  writeFileSync(tokenFile, `${token}\n`)
  const config = {
    global: { evaluation_interval: '1s' },
    rule_files: [resolve('deploy/prometheus/alerts.yaml')],
    scrape_configs: scrapeConfigs(targets, tokenFile)
  }
  writeFileSync(file, JSON.stringify(config))
  const { url } = await startPeer(t, 'prometheus', [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, 'data')}`
  ])
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${url}/api/v1/${path}`, { signal: AbortSignal.timeout(15_000) })
    const { status, data, error } = (await answer.json()) as {
      status: string
      data: T
      error?: string
    }
    if (status !== 'success') throw new Error(`${path}: ${error}`)
    return data
  }
  const query = async (expr: string): Promise<readonly Result[]> => {
    const { result } = await ask<{
      result: readonly { metric: Result['metric']; value: readonly [number, string] }[]
    }>(`query?query=${encodeURIComponent(expr)}`)
    return result.map(({ metric, value: [, text] }) => ({ metric, value: Number(text) }))
  }
  return { query, ask }
}

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

export interface PanelQuery {
  readonly title: string
  readonly expr: string
  readonly legend: (metric: Result['metric']) => string
}

/** The queries of the dashboard as Grafana sends them, for all instances. */
export const panelQueries = (rateInterval: string): readonly PanelQuery[] =>
  JSON.parse(readFileSync('deploy/grafana/purser.json', 'utf8')).panels.flatMap(
    ({ title, targets = [] }: Panel) =>
      targets.map(({ expr, legendFormat }) => ({
        title,
        expr: expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', rateInterval),
        legend: (metric: Result['metric']) =>
          legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? '')
      }))
  )
