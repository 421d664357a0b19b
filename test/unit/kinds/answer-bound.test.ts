/** What any peer can make this process read: answers without an end, and answers that only trickle. */
import { createServer, get, type ServerResponse } from 'node:http'
import { type Test, test } from 'tap'
import { boundAnswers } from '../../../src/kinds/shared/answer-bound.ts'
import { endless } from '../../support/endless.ts'
import { listen } from '../../support/wire.ts'

const ask = (port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    // As careless as a library can be: all of it is read, by a connection of its own.
    const request = get({ port, agent: false }, (answer) => {
      let size = 0
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length
      })
      answer.on('end', () => resolve(size))
      answer.on('error', reject)
    })
    request.on('error', reject)
  })

const serving = (t: Test, answer: (response: ServerResponse) => void): Promise<number> =>
  listen(
    t,
    createServer((_request, response) => answer(response))
  )

test('an answer is cut off where it grows beyond the bound, and one of that size is whole', async (t) => {
  t.teardown(boundAnswers({ mostBytes: 100_000, withinMs: 60_000 }))
  const whole = await serving(t, (response) => response.end(Buffer.alloc(100_000)))
  t.equal(await ask(whole), 100_000)
  const { server, sent, isCutOff } = endless()
  await t.rejects(ask(await listen(t, server)), { code: 'too_large' })
  await isCutOff
  t.ok(sent() < 32_000_000, 'what fits into sockets beside it')
})

test('an answer that trickles, or never begins, ends with its time', async (t) => {
  t.teardown(boundAnswers({ mostBytes: 100_000, withinMs: 300 }))
  const trickling = await serving(t, (response) => {
    const timer = setInterval(() => response.write('x'), 20)
    response.once('close', () => clearInterval(timer))
  })
  await t.rejects(ask(trickling))
  const silent = await serving(t, () => {})
  await t.rejects(ask(silent), { code: 'ETIMEDOUT' })
})
