/** Appends to the trail of a directory until that fails; prints the request ids that were acknowledged, as JSON. */
import { createTrail } from '../../src/audit/trail.ts'
import type { AuditEvent } from '../../src/core/audit-event.ts'
import { beginAuditKey } from './audit-key.ts'

const [directory = ''] = process.argv.slice(2)
const now = (): number => Date.parse('2026-03-01T12:00:00Z')
const trail = createTrail({ directory, now, fsync: false, beginKey: beginAuditKey })

const event: Omit<AuditEvent, 'requestId'> = {
  action: 'secret.read',
  outcome: 'allowed',
  environment: 'pro',
  route: '/v1/secrets'
}

const acknowledged: string[] = []
for (let i = 0; trail.isWritable(); i++) {
  const requestId = `id-${i}`
  await trail.append({ ...event, requestId }).then(
    () => acknowledged.push(requestId),
    () => undefined
  )
}
await trail.close()
console.log(JSON.stringify(acknowledged))
