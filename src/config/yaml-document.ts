/** A YAML file that people write. Rule: no alias, no member twice; every fault has its line and shows no value. */
import { isNode, LineCounter, parseDocument, visit } from 'yaml'
import type { Path, Report } from '../core/shape.ts'
import { ConfigError, type ConfigFault } from './fault.ts'

export interface YamlDocument {
  readonly content: unknown
  /** So far; more may be added. */
  readonly faults: ConfigFault[]
  readonly report: Report
  /** `<label>:<line>:<column>` of what stands at the path, or of the nearest thing above it. */
  readonly placeOf: (path: Path) => string
  /** Throws ConfigError if there is any fault. */
  readonly refuse: () => void
}

/** `label` is what faults call the file. Throws ConfigError if it is no proper YAML. */
export const readYaml = (text: string, label: string): YamlDocument => {
  const lines = new LineCounter()
  // The library's own check for repeated members takes the square of their number; ours is below.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, strict: true })
  const faults: ConfigFault[] = []
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${label}:${line}:${col}`
  }
  const placeOf = (path: Path): string => {
    // A missing member has no node of its own: its parent's place is the nearest.
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) return place(node.range[0])
    }
    return label
  }
  const report: Report = (path, message) => {
    const subject = path.length > 0 ? `${path.join('.')} ` : ''
    faults.push({ place: placeOf(path), message: `${subject}${message}` })
  }
  const refuse = (): void => {
    if (faults.length > 0) throw new ConfigError(faults)
  }

  for (const error of document.errors) {
    // The library quotes the text around an error in its message: only its code is repeated.
    faults.push({ place: place(error.pos[0]), message: `is not valid YAML (${error.code})` })
  }
  const at = (node: unknown): string => place((isNode(node) && node.range?.[0]) || 0)
  visit(document, {
    Alias: (_key, node) => {
      faults.push({ place: at(node), message: 'aliases are not read' })
    },
    Map: (_key, { items }) => {
      const names = new Set<string>()
      for (const { key } of items) {
        if (names.has(String(key))) faults.push({ place: at(key), message: 'stands twice' })
        names.add(String(key))
      }
    }
  })
  refuse()
  return { content: document.toJS(), faults, report, placeOf, refuse }
}
