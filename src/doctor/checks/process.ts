/** Checks of the process: its Node, its rights, and what might let others look into it. */
import { type Check, type Finding, fail, failInEarnest, untold, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'

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

const ofRights = ({ machine: { uid, isContainer, text } }: Installation): readonly Finding[] => {
  const status = text('/proc/self/status') ?? ''
  const [, capabilities = '0'] = /^CapEff:\s+([0-9a-f]+)$/m.exec(status) ?? []
  const [, noNewRights] = /^NoNewPrivs:\s+(\d)$/m.exec(status) ?? []
  return [
    ...when(
      uid === 0,
      warn('this command runs as root: run the service, and doctor, as a user of their own')
    ),
    ...when(
      uid !== 0 && /[1-9a-f]/.test(capabilities),
      warn('the process has capabilities that it does not need: drop all (cap_drop: [ALL])')
    ),
    ...when(
      isContainer && noNewRights === '0',
      warn('a program could gain rights in this container: set no-new-privileges')
    )
  ]
}

const ofProgram = ({ machine }: Installation): readonly Finding[] =>
  when(
    machine.uid !== 0 && machine.mayChangeProgram,
    warn(
      'this user may change the program that it runs: give its files to another one, or mount them read-only'
    )
  )

export const processChecks: readonly Check[] = [
  { id: 'node-version', title: 'this version of Node is maintained', run: ofNode },
  { id: 'process-user', title: 'the process has no rights that it does not need', run: ofRights },
  { id: 'program-files', title: 'the service cannot change its own program', run: ofProgram },
  { id: 'inspector', title: 'no debugger can look into the process', run: ofInspector },
  {
    id: 'node-environment',
    title: 'no variable or option weakens Node or makes it tell more',
    run: ofEnvironment
  }
]
