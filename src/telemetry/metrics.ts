/**
 * What a scrape is answered with: our figures and those of the process, as Prometheus writes them. Rule: whatever can
 * be read when somebody asks is read then; each family of the table has a reading, and there is no other.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { Counter, collectDefaultMetrics, Gauge, type MetricValue, Registry } from 'prom-client'
import { FAMILIES, type FamilyName, type FamilyOf, familyNames } from './families.ts'
import { BUCKETS, type Labels, type Sample, type Timings } from './tally.ts'

type Samples = () => Iterable<Sample> | Promise<Iterable<Sample>>

export type Readings = Readonly<
  Record<FamilyOf<'counter' | 'gauge'>, Samples> & Record<FamilyOf<'histogram'>, Timings['timings']>
>

interface Figure {
  readonly name: string
  readonly help: string
  /** A word, which the library's types call a number. */
  readonly type: unknown
  readonly values: readonly MetricValue<string>[]
}
/** All figures of one process, as they go from process to process. */
export type Figures = readonly Figure[]
export type FiguresOfWorkers = readonly (readonly [worker: number, figures: Figures])[]

export interface Metrics {
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

/** A family whose figures are there already: the library only writes them. */
const addFigure = (registry: Registry, name: string, help: string, read: () => Figure): void => {
  const get = async (): Promise<Figure> => read()
  Object.assign(new Gauge({ name, help, registers: [registry] }), { get, getForPromString: get })
}

/** The library's own histogram looks its labels up by a text that it makes for each value. */
const addTimings = (
  registry: Registry,
  name: FamilyOf<'histogram'>,
  read: Timings['timings']
): void => {
  const { help, labels } = FAMILIES[name]
  addFigure(registry, name, help, () => ({
    name,
    help,
    type: 'histogram',
    values: [...valuesOf(name, labels, read)]
  }))
}

/** Family by family, with a turn of the event loop for each: all of them take twenty milliseconds or so. */
const ofEach = async <T>(registry: Registry, read: (name: string) => Promise<T>): Promise<T[]> => {
  const all: T[] = []
  for (const { name } of registry.getMetricsAsArray()) {
    all.push(await read(name))
    await turn()
  }
  return all
}

const textOf = async (registry: Registry): Promise<string> => {
  const texts = await ofEach(registry, (name) => registry.getSingleMetricAsString(name))
  return `${texts.join('\n\n')}\n`
}

const figuresOf = async (registry: Registry): Promise<Figures> => {
  const found = await ofEach(registry, async (name) => registry.getSingleMetric(name)?.get())
  return found.filter((one) => one !== undefined)
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
    text: () => textOf(registry),
    figures: () => figuresOf(registry)
  }
}

/** What is no number is lost between processes. */
const valuesOfWorker = (worker: number, { values }: Figure): Figure['values'] =>
  values
    .filter(({ value }) => Number.isFinite(value))
    .map((one) => ({ ...one, labels: { ...one.labels, worker } }))

/**
 * The figures of several processes as one text, each with its worker: so that counters of one that is replaced begin
 * anew by themselves, as Prometheus expects it.
 */
export const textOfWorkers = (all: FiguresOfWorkers): Promise<string> => {
  const registry = new Registry()
  const names = new Set(all.flatMap(([, figures]) => figures.map(({ name }) => name)))
  for (const name of names) {
    const own = all.flatMap(([worker, figures]) => {
      const figure = figures.find((one) => one.name === name)
      return figure === undefined ? [] : [[worker, figure] as const]
    })
    const [[, first] = []] = own
    if (first === undefined) continue
    addFigure(registry, name, first.help, () => ({
      ...first,
      values: own.flatMap(([worker, figure]) => valuesOfWorker(worker, figure))
    }))
  }
  return textOf(registry)
}
