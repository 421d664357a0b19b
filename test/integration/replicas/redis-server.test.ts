/** Redis itself paused, or full. */
import { type Fault, testFault } from './redis-fault-suite.ts'

const FAULTS: readonly Fault[] = [
  {
    name: 'paused',
    begin: (redis) => redis.client().call('CLIENT', 'PAUSE', '60000', 'ALL'),
    // Whoever is paused does not hear that the pause is over: it has to be brought back.
    end: async (redis) => {
      await redis.kill()
      await redis.start()
    },
    isDown: true
  },
  {
    name: 'full',
    begin: async (redis) => {
      await redis.client().config('SET', 'maxmemory-policy', 'noeviction')
      await redis.client().config('SET', 'maxmemory', '1')
    },
    end: (redis) => redis.client().config('SET', 'maxmemory', '0'),
    isDown: false
  }
]

for (const fault of FAULTS) testFault(fault)
