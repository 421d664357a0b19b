/** How an event stands in the trail: its members, their order, and what they may not do to the line. */
import { test } from 'tap'
import { bodyOf } from '../../../src/audit/line.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { issueKey, randomKeyring } from '../../support/keys.ts'

const lineOf = (time: string, event: AuditEvent): string => `${bodyOf(time, event)}}\n`

const base64url = (text: string): string => Buffer.from(text).toString('base64url')
/** Of a credential: longer than what is told of one. */
const PART = /eyJ[\w-]{8,}|c2ln_/

const TIME = '2026-03-01T12:00:00.000Z'

const least: AuditEvent = {
  action: 'secret.read',
  outcome: 'allowed',
  environment: 'pro',
  route: '/v1/secrets',
  requestId: 'r1'
}

test('the members stand in one order, whatever order they came in; what is absent is left out', async (t) => {
  const line = lineOf(TIME, {
    cache: 'HIT',
    version: '3',
    tokenId: 'jti',
    subject: 'subject',
    issuer: 'https://issuer.example',
    object: 'bot x',
    reference: 'kv:a#b',
    address: '127.0.0.1',
    user: 'ada@example.com',
    sessionId: 'session',
    kid: 'kid',
    keyId: 'id',
    client: 'app',
    reason: 'no_rule',
    code: 'access_denied',
    ...least
  })
  t.equal(
    line,
    `{"time":"${TIME}","action":"secret.read","outcome":"allowed","code":"access_denied",` +
      '"reason":"no_rule","environment":"pro","client":"app","keyId":"id","kid":"kid",' +
      '"sessionId":"session","user":"ada@example.com","route":"/v1/secrets","requestId":"r1",' +
      '"address":"127.0.0.1","reference":"kv:a#b","object":"bot x",' +
      '"issuer":"https://issuer.example","subject":"subject","tokenId":"jti",' +
      '"version":"3","cache":"HIT"}\n'
  )
  t.equal(
    lineOf(TIME, least),
    `{"time":"${TIME}","action":"secret.read","outcome":"allowed","environment":"pro",` +
      '"route":"/v1/secrets","requestId":"r1"}\n'
  )
})

test('a key or a token that stands where a name should does not stand in the record', async (t) => {
  const { keyring } = randomKeyring()
  const key = await issueKey(keyring, 'app', 'r')
  const jwt = `${base64url('{"alg":"RS256","kid":"a"}')}.${base64url('{"iss":"x"}')}.c2ln_bmF0-dXJl`
  for (const secret of [key, jwt, `a/${key}/b`, `${jwt}?version=1`, `${key} ${jwt}`]) {
    for (const member of ['reference', 'object', 'reason', 'requestId', 'tokenId'] as const) {
      const line = lineOf(TIME, { ...least, [member]: `local:${secret}` })
      t.notOk(PART.exec(line), `${member}: ${secret}`)
      t.match(JSON.parse(line), { [member]: /^local:.*eyJ\.\.\./ })
    }
  }
  for (const name of ['local:a/eyJ', 'local:keyJob/x.y', 'local:eyJob.x']) {
    t.match(JSON.parse(lineOf(TIME, { ...least, reference: name })), { reference: name })
  }
})

test('a record has nothing of the one before, whichever member is another', async (t) => {
  const full = {
    ...least,
    code: 'access_denied',
    reason: 'no_rule',
    client: 'app',
    keyId: 'id',
    kid: 'kid',
    sessionId: 'session',
    user: 'ada@example.com',
    address: '127.0.0.1',
    reference: 'kv:a',
    object: 'bot x',
    issuer: 'https://issuer.example',
    subject: 'subject',
    tokenId: 'jti',
    version: '3',
    cache: 'HIT'
  } as const
  for (const name of Object.keys(full) as (keyof AuditEvent)[]) {
    for (const changed of ['other', undefined]) {
      lineOf(TIME, full)
      lineOf(TIME, full)
      const { time, ...event } = JSON.parse(lineOf(TIME, { ...full, [name]: changed }))
      t.strictSame(event, JSON.parse(JSON.stringify({ ...full, [name]: changed })))
    }
  }
  for (const name of Object.keys(full) as (keyof AuditEvent)[]) {
    const values = ['first', 'second', 'third', 'third', 'second']
    const written = values.map((value) => lineOf(TIME, { ...full, [name]: value } as AuditEvent))
    t.strictSame(
      written.map((line) => JSON.parse(line)[name]),
      values,
      `${name} one after the other`
    )
  }
  const times = ['00', '00', '01', '01', '02', '00'].map((ms) => `2026-03-01T12:00:00.0${ms}Z`)
  t.strictSame(
    times.map((time) => JSON.parse(lineOf(time, full)).time),
    times
  )
})

test('a member that an event must not have is not written', async (t) => {
  const event = { ...least, value: 'secret', headers: { authorization: 'secret' } }
  t.notMatch(lineOf(TIME, event), /secret"/)
})

test('no text breaks the line or reaches a terminal as a control', async (t) => {
  const nasty = 'a\n"b\r\t\u0000\u001b[2J\u007f\u0085\u009b\u2028\u2029\ud800}\\'
  const line = lineOf(TIME, { ...least, requestId: nasty, reference: nasty })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  t.notMatch(line.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800]/)
  t.equal(JSON.parse(line).requestId, nasty)
  t.equal(JSON.parse(line).reference, nasty)
})

test('a text of nothing but what has to be escaped is escaped, and an empty one is a text', async (t) => {
  for (const text of ['"', '\\', '\n', '\u007f', '\u2028\u2028', '']) {
    const line = lineOf(TIME, { ...least, requestId: text, reference: text })
    t.match(JSON.parse(line), { requestId: text, reference: text })
    t.equal(line.indexOf('\n'), line.length - 1)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    t.notMatch(line.slice(0, -1), /[\u0000-\u001f\u007f\u2028]/)
  }
})

test('texts are cut to their lengths', async (t) => {
  const long = 'x'.repeat(10_000)
  const line = lineOf(TIME, {
    ...least,
    reason: long,
    client: long,
    keyId: long,
    kid: long,
    route: long,
    requestId: long,
    address: long,
    reference: long,
    version: long
  })
  const lengths = Object.entries(JSON.parse(line) as Record<string, string>).map(
    ([name, text]) => [name, text.length] as const
  )
  t.strictSame(
    new Map(lengths.filter(([, length]) => length > 60)),
    new Map([
      ['reason', 256],
      ['client', 64],
      ['keyId', 256],
      ['kid', 256],
      ['route', 256],
      ['requestId', 128],
      ['address', 256],
      ['reference', 2_300],
      ['version', 256]
    ])
  )
  t.ok(line.length < 5_000)
})
