/** Redis far away, silent, or not to be reached. */
import { type Fault, networked, testFault } from './redis-fault-suite.ts'

const FAULTS: readonly Fault[] = [
  networked('40 ms away', { is: 'open', latencyMs: 20 }, false),
  networked('200 ms away', { is: 'open', latencyMs: 100 }, true),
  networked('in a black hole', { is: 'black hole' }, true),
  networked('reset at every connection', { is: 'reset' }, true),
  networked('refusing connections', { is: 'refused' }, true)
]

for (const fault of FAULTS) testFault(fault)
