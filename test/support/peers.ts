/**
 * The real peers of the integration tests: found where `npm run peers` puts them, started on a free port of 127.0.0.1,
 * ended by their own handle. Rule: a missing peer is named in a skip, and is a failure where PEERS=required says so.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { closedPort } from './wire.ts'

/** Where the skip's reason starts; the runner reads the peers' names after it. */
export const MISSING = 'missing peer: '

const BIN = resolve('.peers', 'bin')
const PYTHON_BIN = resolve('.peers', 'python', 'bin')
const PYTHON_LIB = resolve('.peers', 'python', 'lib')
/** What `createRequire` starts from. */
export const JAVASCRIPT = resolve('.peers', 'javascript', 'package.json')
const START_WITHIN_MS = 60_000

interface Peer {
  readonly program: string
  /** Looked for on PATH, as the distribution installs it, where `.peers/bin` has none. */
  readonly onPath?: true
  /** Put into `.peers/bin` by `npm run peers`, and looked for nowhere else. */
  readonly isBuilt?: true
  /** A program that the packages bring which a Python script needs. */
  readonly broughtBy?: string
  /** A package that a Python script imports. */
  readonly imports?: string
  /** A package that a script of ours requires, from `JAVASCRIPT`. */
  readonly requires?: string
  readonly argumentsFor: (port: number) => readonly string[]
  /** A path which answers 200 once the peer serves; without one, that it accepts a connection has to do. */
  readonly readyAt?: string
}

const PEERS = {
  moto: {
    program: 'moto_server',
    argumentsFor: (port) => ['-H', '127.0.0.1', '-p', String(port)],
    readyAt: '/moto-api/'
  },
  openbao: {
    program: 'bao',
    argumentsFor: (port) => [
      'server',
      '-dev',
      '-dev-root-token-id=root',
      `-dev-listen-address=127.0.0.1:${port}`,
      '-dev-no-store-token'
    ],
    readyAt: '/v1/sys/health'
  },
  /** A Python with joserfc in it: not a server, but run with a script. */
  joserfc: { program: 'python', argumentsFor: () => [] },
  /** Clients of Vault: not servers. */
  hvac: { program: 'python', imports: 'hvac', argumentsFor: () => [] },
  'vault-go': { program: 'vault-go', isBuilt: true, argumentsFor: () => [] },
  'consul-template': { program: 'consul-template', isBuilt: true, argumentsFor: () => [] },
  /** A Python with the clients of AWS in it: not a server. */
  'aws-clients': { program: 'python', imports: 'awscli', argumentsFor: () => [] },
  /** The client of Dapr: not a server. */
  'dapr-js': { program: 'node', requires: '@dapr/dapr', argumentsFor: () => [] },
  /** GCP Secret Manager over gRPC: drongo's store behind Google's own server. */
  drongo: {
    program: 'python',
    broughtBy: 'drongo',
    argumentsFor: (port) => [resolve('test', 'kinds', 'gcp', 'peer.py'), String(port)]
  },
  /** Asks a service for all that its description says: not a server. */
  schemathesis: { program: 'schemathesis', argumentsFor: () => [] },
  /** Both are started by `test/support/kube-apiserver.ts`. */
  etcd: { program: 'etcd', isBuilt: true, argumentsFor: () => [], readyAt: '/health' },
  'kube-apiserver': { program: 'kube-apiserver', isBuilt: true, argumentsFor: () => [] },
  /** Not a server. */
  kubectl: { program: 'kubectl', isBuilt: true, argumentsFor: () => [] },
  /** As Debian has it, with the Kustomize of its time. */
  'kubectl-debian': { program: 'kubectl-debian', isBuilt: true, argumentsFor: () => [] },
  /** Answers what `test/support/network-policy.ts` asks. */
  'network-policy': { program: 'network-policy', isBuilt: true, argumentsFor: () => [] },
  /** The operator's own code, asked by `test/support/external-secrets.ts`. */
  'external-secrets': { program: 'external-secrets', isBuilt: true, argumentsFor: () => [] },
  /** Each needs a configuration, which `test/support/sample-proxy.ts` makes. */
  caddy: { program: 'caddy', onPath: true, argumentsFor: () => ['run', '--adapter', 'caddyfile'] },
  haproxy: { program: 'haproxy', onPath: true, argumentsFor: () => ['-db'] },
  /** The same; a root's workers would be nobody's. */
  nginx: {
    program: 'nginx',
    onPath: true,
    argumentsFor: () => ['-g', `daemon off;${process.getuid?.() === 0 ? ' user root;' : ''}`]
  },
  /** Checks rules and tries them out: not a server. */
  promtool: { program: 'promtool', onPath: true, argumentsFor: () => [] },
  prometheus: {
    program: 'prometheus',
    onPath: true,
    argumentsFor: (port) => [`--web.listen-address=127.0.0.1:${port}`],
    readyAt: '/-/ready'
  },
  /** Driven by `test/support/browser.ts`. */
  chromium: { program: 'chromium', onPath: true, argumentsFor: () => [] },
  /** What operators make secrets with. */
  openssl: { program: 'openssl', onPath: true, argumentsFor: () => [] },
  /** What operators read JSON with. */
  jq: { program: 'jq', onPath: true, argumentsFor: () => [] },
  /** Holds system calls up: not a server. */
  strace: { program: 'strace', onPath: true, argumentsFor: () => [] },
  redis: {
    program: 'redis-server',
    onPath: true,
    argumentsFor: (port) => ['--bind', '127.0.0.1', '--port', String(port), '--save', '']
  }
} as const satisfies Record<string, Peer>

export type PeerName = keyof typeof PEERS

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Whether the Python of the peers has it. */
const hasPackage = (name: string): boolean =>
  existsSync(PYTHON_LIB) &&
  readdirSync(PYTHON_LIB).some((version) =>
    existsSync(join(PYTHON_LIB, version, 'site-packages', name))
  )

/** The peer's program, or undefined if it is not installed. */
export const programOf = (name: PeerName): string | undefined => {
  const { program, onPath, isBuilt, broughtBy, imports, requires }: Peer = PEERS[name]
  if (requires !== undefined) {
    const folder = join(dirname(JAVASCRIPT), 'node_modules', requires)
    return existsSync(folder) ? process.execPath : undefined
  }
  if (imports !== undefined && !hasPackage(imports)) return undefined
  if (broughtBy !== undefined && !isExecutable(join(PYTHON_BIN, broughtBy))) return undefined
  const onMachine = [BIN, ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  const places = onPath ? onMachine : [isBuilt ? BIN : PYTHON_BIN]
  return places.map((place) => join(place, program)).find(isExecutable)
}

/** True, or the reason for a skip: the first of them that is missing. */
export const isInstalled = async (...names: readonly PeerName[]): Promise<true | string> => {
  const missing = names.find((name) => programOf(name) === undefined)
  return missing === undefined ? true : `${MISSING}${missing}`
}

/** Skips the test (or fails it, with PEERS=required) unless `available` is true; says whether it did. */
export const skipWithout = (t: Test, available: true | string): boolean => {
  if (available === true) return false
  if (process.env['PEERS'] === 'required') t.fail(available)
  else t.plan(0, available)
  return true
}

const answers = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once('exit', () => done())
  })

export interface RunningPeer {
  readonly port: number
  readonly url: string
  readonly pid: number
  /** Ends it before the test does. */
  readonly stop: () => Promise<void>
}

/** Starts the peer for as long as the test (or whatever has a teardown) runs. `name` has to be installed, and a server. */
export const startPeer = async (
  t: Pick<Test, 'teardown'>,
  name: PeerName,
  extraArguments: readonly string[] | ((port: number) => readonly string[]) = [],
  folder?: string
): Promise<RunningPeer> => {
  const peer: Peer = PEERS[name]
  const program = programOf(name)
  if (program === undefined) throw new Error(`${MISSING}${name}`)
  const port = await closedPort()
  const extra = typeof extraArguments === 'function' ? extraArguments(port) : extraArguments
  const child = spawn(program, [...peer.argumentsFor(port), ...extra], {
    stdio: 'ignore',
    ...(folder !== undefined && { cwd: folder }),
    env: { PATH: process.env['PATH'], HOME: resolve('.peers') }
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), 3_000)
    await ended(child)
    clearTimeout(killer)
  }
  // A test process that ends in the middle of everything takes its peer with it.
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  t.teardown(async () => {
    await stop()
    process.removeListener('exit', onExit)
  })

  const url = `http://127.0.0.1:${port}`
  const patience = AbortSignal.timeout(START_WITHIN_MS)
  const { readyAt } = peer
  const isReady = () => (readyAt === undefined ? accepts(port) : answers(url + readyAt))
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`)
    if (patience.aborted) throw new Error(`${name} did not answer in time`)
    await sleep(50)
  }
  return { port, url, pid: child.pid ?? 0, stop }
}
