/** A trail without its chain, to tell what that costs: the same records and writes, and nothing that proves them. */
import type { TrailOptions } from '../../src/audit/trail.ts'

export const beginNoChain: NonNullable<TrailOptions['beginChain']> = async () => {
  let seq = 0
  let current: string | undefined
  return {
    day: () => current,
    anchor: () => ({ instance: 'none', seq, head: '' }),
    link: (day, _time, bodies) => {
      current = day
      seq += bodies.length
      return `${bodies.join('}\n')}}\n`
    },
    seal: () => {
      current = undefined
      return '\n'
    }
  }
}
