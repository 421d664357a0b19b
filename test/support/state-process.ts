/** Another process on the same embedded state: `node state-process.js <directory> <command>`; the tests fork it. */
import { createEmbeddedState } from '../../src/state/embedded.ts'
import { increment } from './increment.ts'

const [directory = '', command, count = '0'] = process.argv.slice(2)
const state = createEmbeddedState(directory)

if (command === 'increment') {
  process.send?.('ready')
  await new Promise((resolve) => process.once('message', resolve))
  for (let i = 0; i < Number(count); i++) await increment(state, 'counter')
} else if (command === 'grow') {
  for (let i = 0; i < Number(count); i++) {
    await state.compareAndSet(`grown/${i}`, undefined, Buffer.alloc(100_000, i))
  }
} else if (command === 'fill') {
  const fill = async (): Promise<void> => {
    for (let i = 0; ; i++) {
      await state.compareAndSet(`filled/${i}`, undefined, Buffer.alloc(100_000, i))
    }
  }
  await fill().catch((error: Error) => console.log(error.message))
  console.log('read', (await state.get('filled/0'))?.length)
  console.log('written', await state.compareAndSet('small', undefined, Buffer.from('1')))
} else if (command === 'answer') {
  // Says when the change is durable, and is then killed without a chance to do more.
  await state.compareAndSet('durable', undefined, Buffer.from('yes'))
  process.send?.('written')
  await new Promise(() => setInterval(() => undefined, 1_000))
}
await state.close()
process.disconnect?.()
