/** The store that `purser init` writes. Rule: plain data, so that the command loads nothing for it. */
import type { Example } from '../kind.ts'

export const example: Example = {
  about: 'the store that Purser brings along, in DATA_DIR; discouraged in pre and pro',
  lines: ['- name: local', '  kind: local']
}
