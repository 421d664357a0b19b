/**
 * What a check is, and what it finds. Rule: a finding is a sentence that says what is wrong and what mends it, in our
 * own words; no secret and no text of a peer is in it.
 */
import type { SettingName } from '../config/settings.ts'
import type { Topic } from '../config/warnings.ts'
import type { Installation } from './installation.ts'

export interface Finding {
  /** `earnest`: a failure in pre and pro, and elsewhere a warning that it would be one. */
  readonly level: 'warn' | 'fail' | 'earnest'
  readonly message: string
  /** False: it could not be looked at, so that nothing is known. */
  readonly told: boolean
}

export interface Check {
  /** For whoever reads the report by program: never changes. */
  readonly id: string
  /** What is so if nothing was found. */
  readonly title: string
  /** The settings whose faults are shown here, instead of with the configuration. */
  readonly places?: readonly SettingName[] | 'the file of settings'
  /** Faults that are shown here for what they say, wherever they are. */
  readonly says?: readonly string[]
  /** Why there is nothing to look at, as a sentence without its capital; undefined: there is. */
  readonly idle?: (on: Installation) => string | undefined
  /** The warnings of the configuration that are shown here. */
  readonly topics?: readonly Topic[]
  readonly run?: (on: Installation) => readonly Finding[] | Promise<readonly Finding[]>
}

const finding =
  (level: Finding['level'], told = true) =>
  (message: string): Finding => ({ level, message, told })

export const warn = finding('warn')
export const fail = finding('fail')
export const failInEarnest = finding('earnest')

/** `why` is a sentence without its capital. */
export const untold = (why: string): Finding => finding('warn', false)(`cannot be told: ${why}`)

/** A finding, or none. */
export const when = (isSo: boolean, one: Finding): readonly Finding[] => (isSo ? [one] : [])
