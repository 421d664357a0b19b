/** The order in which parts begin and end. */
import { test } from 'tap'
import { createLifecycle, type Part } from '../../src/lifecycle.ts'

const setUp = () => {
  const did: string[] = []
  const part = (name: string, fails: 'start' | 'close' | 'never' = 'never'): Part => {
    const work = (what: 'start' | 'close') => async (): Promise<void> => {
      did.push(`${what} ${name}`)
      if (fails === what) throw new Error(`${what} ${name}`)
    }
    return { start: work('start'), close: work('close') }
  }
  return { did, part, parts: createLifecycle() }
}

test('parts start in the order in which they were added, and close in the reverse one, once', async (t) => {
  const { did, part, parts } = setUp()
  for (const name of ['a', 'b']) parts.add(part(name))
  parts.add({ close: () => void did.push('close c') })
  await parts.start()
  await Promise.all([parts.close(), parts.close()])
  await parts.close()
  t.same(did, ['start a', 'start b', 'close c', 'close b', 'close a'])
})

test('what fails to close keeps no other part from being closed, and is told once all are', async (t) => {
  const { did, part, parts } = setUp()
  parts.add(part('a'))
  parts.add(part('b', 'close'))
  parts.add(part('c', 'close'))
  await t.rejects(parts.close(), /close c/)
  t.same(did, ['close c', 'close b', 'close a'])
})
