/** The store that `purser init` writes. Rule: plain data, so that the command loads nothing for it. */
import type { Example } from '../kind.ts'

export const example: Example = {
  about: 'one store a project and location; credentials are the application default ones',
  lines: ['- name: gcp', '  kind: gcp-secret-manager', '  project: my-project']
}
