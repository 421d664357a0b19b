/** Checks of the machine: where what is in memory might be left behind, and what is about to run out. */
import { type Check, type Finding, fail, failInEarnest, untold, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'
import { dataDirOf, existing } from './files.ts'

/** The handler that the kernel starts decides by itself; this one leaves no dump where the limit is 0. */
const HEEDS_LIMIT = /systemd-coredump/

const ofDumps = ({ machine: { text } }: Installation): readonly Finding[] => {
  const limits = text('/proc/self/limits')
  const [, soft] = /^Max core file size\s+(\S+)/m.exec(limits ?? '') ?? []
  const pattern = text('/proc/sys/kernel/core_pattern')?.trim()
  if (soft === undefined || pattern === undefined) {
    return [untold('whether a crash leaves what is in memory on the disk: set ulimit -c 0')]
  }
  if (soft !== '0') {
    return [
      failInEarnest(
        'a crash leaves what is in memory in a core dump: set ulimit -c 0 (LimitCORE=0, ulimits: { core: 0 })'
      )
    ]
  }
  return when(
    pattern.startsWith('|') && !HEEDS_LIMIT.test(pattern),
    warn(
      'the kernel gives core dumps to a program, whatever ulimit -c says: see that it keeps none of this service'
    )
  )
}

const ofSwap = ({ machine: { text } }: Installation): readonly Finding[] => {
  const swaps = text('/proc/swaps')
  if (swaps === undefined) return [untold('whether memory is swapped to a disk: turn swap off')]
  const devices = swaps.trim().split('\n').slice(1)
  const ownLimit = text('/sys/fs/cgroup/memory.swap.max')?.trim()
  return when(
    devices.length > 0 && ownLimit !== '0',
    warn(
      'swap is on: secrets in memory may reach the disk: turn it off, give the service none (MemorySwapMax=0), or encrypt it'
    )
  )
}

const MIB = 1024 * 1024
const LEAST_MIB = { fail: 64, warn: 1024 } as const
const LEAST_FILES = 1000

const ofDisk = (on: Installation): readonly Finding[] => {
  const { freeBytes, freeFiles } = on.machine.space(existing(dataDirOf(on)))
  const mib = Math.floor(freeBytes / MIB)
  const why = 'a full disk stops disclosure: make room, or move DATA_DIR'
  return [
    ...when(mib < LEAST_MIB.fail, fail(`DATA_DIR has ${mib} MiB left: ${why}`)),
    ...when(
      mib >= LEAST_MIB.fail && mib < LEAST_MIB.warn,
      warn(`DATA_DIR has ${mib} MiB left: ${why}`)
    ),
    ...when(
      freeFiles !== undefined && freeFiles < LEAST_FILES,
      fail(`the file system of DATA_DIR has room for ${freeFiles} files: ${why}`)
    )
  ]
}

/** Sockets of callers and stores, and the files of the state and the trail. */
const LEAST_DESCRIPTORS = 4096

const ofDescriptors = ({ machine: { text } }: Installation): readonly Finding[] => {
  const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(text('/proc/self/limits') ?? '') ?? []
  if (soft === '') return [untold('how many connections this process may have: see ulimit -n')]
  return when(
    Number(soft) < LEAST_DESCRIPTORS,
    warn(`only ${soft} files and connections may be open at once: set ulimit -n 65536`)
  )
}

export const machineChecks: readonly Check[] = [
  { id: 'core-dumps', title: 'a crash leaves no memory on the disk', run: ofDumps },
  { id: 'swap', title: 'memory does not reach the disk', run: ofSwap },
  { id: 'descriptors', title: 'there is room for connections', run: ofDescriptors },
  { id: 'disk-space', title: 'there is room on the disk', run: ofDisk }
]
