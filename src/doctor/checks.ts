/** Every check, in the order of the report. */
import type { Check } from './check.ts'
import { auditChecks } from './checks/audit.ts'
import { doorsChecks } from './checks/doors.ts'
import { filesChecks } from './checks/files.ts'
import { machineChecks } from './checks/machine.ts'
import { networkChecks } from './checks/network.ts'
import { processChecks } from './checks/process.ts'
import { redisChecks } from './checks/redis.ts'
import { secretsChecks } from './checks/secrets.ts'
import { serviceChecks } from './checks/service.ts'
import { settingsChecks } from './checks/settings.ts'
import { stateChecks } from './checks/state.ts'
import { storesChecks } from './checks/stores.ts'
import { tlsChecks } from './checks/tls.ts'
import { trustsChecks } from './checks/trusts.ts'

export const CHECKS: readonly Check[] = [
  ...settingsChecks,
  ...secretsChecks,
  ...filesChecks,
  ...networkChecks,
  ...doorsChecks,
  ...tlsChecks,
  ...redisChecks,
  ...storesChecks,
  ...trustsChecks,
  ...stateChecks,
  ...auditChecks,
  ...processChecks,
  ...machineChecks,
  ...serviceChecks
]
