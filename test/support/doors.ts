/**
 * The doors of other dialects as tests speak to them, a row each: how a read, a listing and a write are asked for there, and
 * how an answer is told. Rule: what holds for all doors is tested by going over the rows, and every dialect of `doors:` has
 * one.
 */
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { Dialect } from '../../src/config/door-entries.ts'
import type { Keyring } from '../../src/crypto/keyring.ts'
import { aws, awsAgent } from './aws-door-subjects.ts'
import { buildTestApp, type TestApp, type TestAppOptions } from './build-app.ts'
import { ODD_PATHS } from './odd-paths.ts'
