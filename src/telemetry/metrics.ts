/**
 * What a scrape is answered with: our figures and those of the process, as Prometheus writes them. Rule: whatever can
 * be read when somebody asks is read then; each family of the table has a reading, and there is no other.
 */
import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry
} from 'prom-client'
import { FAMILIES, type FamilyName, type FamilyOf, familyNames } from './families.ts'
import { BUCKETS, type Labels, type Sample, type Timings } from './tally.ts'

type Samples = () => Iterable<Sample> | Promise<Iterable<Sample>>

export type Readings = Readonly<
  Record<FamilyOf<'counter' | 'gauge'>, Samples> & Record<FamilyOf<'histogram'>, Timings['timings']>
>

type Figure = MetricObjectWithValues<MetricValue<string>>
/** All figures of one process, as they go from process to process. */
export type Figures = readonly Figure[]
export type FiguresOfWorkers = readonly (readonly [worker: number, figures: Figures])[]

export interface Metrics {
  readonly contentType: string
  readonly text: () => Promise<string>
  readonly figures: () => Promise<Figures>
}

type Named = Readonly<Record<string, string | number>>

const named = (names: readonly string[], labels: Labels): Named =>
  Object.fromEntries(names.map((name, i) => [name, labels[i] ?? '']))

const addNumbers = (
  registry: Registry,
  name: FamilyOf<'counter' | 'gauge'>,
  read: Samples
): void => {
  const { type, help, labels: labelNames } = FAMILIES[name]
  const collect = async (): Promise<void> => {
    const samples = [...(await read())]
    // Scrapes may overlap: from here on none is between.
    metric.reset()
    // Without labels the library begins with a 0, also where there is nothing to tell.
    if (labelNames.length === 0) metric.remove()
    for (const [labels, value] of samples) metric.inc(named(labelNames, labels), value)
  }
  const options = { name, help, labelNames, registers: [registry], collect }
  const metric: Counter | Gauge = type === 'counter' ? new Counter(options) : new Gauge(options)
}

/** Cumulative, as Prometheus has them. */
function* valuesOf(
  name: string,
  labelNames: readonly string[],
  read: Timings['timings']
): Generator<MetricValue<string> & { metricName: string }> {
  for (const [labels, { counts, count, sum }] of read()) {
    const own = named(labelNames, labels)
    let below = 0
    for (const [i, le] of BUCKETS.entries()) {
      below += counts[i] ?? 0
      yield { metricName: `${name}_bucket`, labels: { ...own, le }, value: below }
    }
    yield { metricName: `${name}_bucket`, labels: { ...own, le: '+Inf' }, value: count }
    yield { metricName: `${name}_sum`, labels: own, value: sum }
    yield { metricName: `${name}_count`, labels: own, value: count }
  }
}

/** The library's own histogram looks its labels up by a text that it makes for each value. */
const addTimings = (
  registry: Registry,
  name: FamilyOf<'histogram'>,
  read: Timings['timings']
): void => {
  const { help, labels: labelNames } = FAMILIES[name]
  const options = { name, help, labelNames, buckets: [...BUCKETS], registers: [registry] }
  const get = async () => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: [...valuesOf(name, labelNames, read)]
  })
  Object.assign(new Histogram(options), { get, getForPromString: get })
}

let ofProcess: Registry | undefined
/** Of the whole process, and so once in it: what they are measured with cannot be ended. */
export const processRegistry = (): Registry => {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}

const isHistogram = (name: FamilyName): name is FamilyOf<'histogram'> =>
  FAMILIES[name].type === 'histogram'

export const createMetrics = (readings: Readings): Metrics => {
  const own = new Registry()
  for (const name of familyNames) {
    if (isHistogram(name)) addTimings(own, name, readings[name])
    else addNumbers(own, name, readings[name])
  }
  const registry = Registry.merge([own, processRegistry()])
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    figures: async () => (await registry.getMetricsAsJSON()) as Figures
  }
}

/** What is no number is lost between processes. */
const ofWorker = (worker: number, figures: Figures): Figure[] =>
  figures.map((figure) => ({
    ...figure,
    values: figure.values
      .filter(({ value }) => Number.isFinite(value))
      .map((one) => ({ ...one, labels: { ...one.labels, worker } })),
    // Nothing is added up, since each worker has its label.
    aggregator: 'first' as const
  }))

/**
 * The figures of several processes as one text, each with its worker: so that counters of one that is replaced begin
 * anew by themselves, as Prometheus expects it.
 */
export const textOfWorkers = (all: FiguresOfWorkers): Promise<string> =>
  AggregatorRegistry.aggregate(all.map(([worker, figures]) => ofWorker(worker, figures))).metrics()
