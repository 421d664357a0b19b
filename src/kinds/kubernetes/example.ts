/** The store that `purser init` writes. Rule: plain data, so that the command loads nothing for it. */
import type { Example } from '../kind.ts'

export const example: Example = {
  about: 'secrets of these namespaces, read with the service account of the pod',
  lines: ['- name: cluster', '  kind: kubernetes', '  namespaces: [my-namespace]']
}
