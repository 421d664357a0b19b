/** Checks of the process and the machine: what else might give away what is in memory, and what is about to run out. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Check, type Finding, fail, failInEarnest, untold, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'
import { dataDirOf } from './files.ts'

/** When each version's maintenance ends. https://github.com/nodejs/Release#release-schedule */
const NODE_ENDS: Readonly<Record<number, string>> = {
  20: '2026-04-30',
  21: '2024-06-01',
  22: '2027-04-30',
  23: '2025-06-01',
  24: '2028-04-30',
  25: '2026-06-01',
  26: '2029-04-30'
}
/** As package.json has it. */
const OLDEST_NODE = [20, 19] as const

const ofNode = ({ machine: { nodeVersion }, now }: Installation): readonly Finding[] => {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  const [oldest, oldestMinor] = OLDEST_NODE
  if (major < oldest || (major === oldest && minor < oldestMinor)) {
    return [fail(`Node ${nodeVersion} is too old: install ${oldest}.${oldestMinor} or newer`)]
  }
  const end = NODE_ENDS[major]
  if (end === undefined) return [untold(`until when Node ${major} is maintained: look it up`)]
  return when(
    Date.parse(end) <= now,
    warn(
      `Node ${major} has had no security fixes since ${end}: install the newest version of long-term support`
    )
  )
}

const optionsOf = ({ machine: { nodeArguments, variables } }: Installation): string[] => [
  ...nodeArguments,
  ...(variables['NODE_OPTIONS'] ?? '').split(/\s+/).filter((word) => word !== '')
]

const optionName = (option: string): string => option.replace(/=.*$/, '')

const DUMPING =
  /^--(heapsnapshot-signal|heapsnapshot-near-heap-limit|abort-on-uncaught-exception|report-.*|heap-prof|cpu-prof|diagnostic-dir|trace-.*|tls-keylog)$/

/** Variables that make Node, OpenSSL or a library tell or believe what they should not. */
const LOOSE: readonly (readonly [
  name: string,
  isLoose: (value: string) => boolean,
  why: string
])[] = [
  [
    'NODE_TLS_REJECT_UNAUTHORIZED',
    (value) => value === '0',
    'switches the verification of TLS off'
  ],
  ['SSLKEYLOGFILE', () => true, 'writes the keys of TLS to a file'],
  ['NODE_DEBUG', () => true, 'prints headers and bodies'],
  ['NODE_DEBUG_NATIVE', () => true, 'prints headers and bodies'],
  ['DEBUG', () => true, 'makes libraries print what they send'],
  ['LD_PRELOAD', () => true, 'loads foreign code into the process'],
  ['NODE_V8_COVERAGE', () => true, 'writes to files what runs']
]

const ofEnvironment = (on: Installation): readonly Finding[] => {
  const { variables } = on.machine
  const loose = LOOSE.filter(([name, isLoose]) => {
    const value = variables[name] ?? ''
    return value !== '' && isLoose(value)
  }).map(([name, , why]) => failInEarnest(`${name} ${why}: take it out of the environment`))
  const dumping = optionsOf(on)
    .map(optionName)
    .filter((option) => DUMPING.test(option))
  return [
    ...loose,
    ...dumping.map((option) =>
      failInEarnest(`Node's option ${option} writes what is in memory to a file: take it away`)
    )
  ]
}

const ofInspector = (on: Installation): readonly Finding[] => {
  const opened = optionsOf(on)
    .map(optionName)
    .filter((option) => /^--(inspect|inspect-.*|debug|debug-.*)$/.test(option))
  return [
    ...opened.map((option) =>
      fail(`Node's option ${option} lets a debugger read everything in memory: take it away`)
    ),
    ...when(
      !on.machine.hearsUsr1,
      fail('SIGUSR1 would open the inspector: start Purser by its own program')
    )
  ]
}

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

const existing = (folder: string): string =>
  existsSync(folder) || dirname(folder) === folder ? folder : existing(dirname(folder))

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
  { id: 'node-version', title: 'this version of Node is maintained', run: ofNode },
  {
    id: 'process-user',
    title: 'the process has not the rights of root',
    run: ({ machine }) =>
      when(
        machine.uid === 0,
        warn('this command runs as root: run the service, and doctor, as a user of their own')
      )
  },
  { id: 'inspector', title: 'no debugger can look into the process', run: ofInspector },
  {
    id: 'node-environment',
    title: 'no variable or option weakens Node or makes it tell more',
    run: ofEnvironment
  },
  { id: 'core-dumps', title: 'a crash leaves no memory on the disk', run: ofDumps },
  { id: 'swap', title: 'memory does not reach the disk', run: ofSwap },
  { id: 'descriptors', title: 'there is room for connections', run: ofDescriptors },
  { id: 'disk-space', title: 'there is room on the disk', run: ofDisk }
]
