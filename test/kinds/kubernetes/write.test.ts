import { test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import type { Secret } from '../../../src/kinds/kubernetes/secret.ts'
import { writeSecret } from '../../../src/kinds/kubernetes/write.ts'

const held: Secret = {
  kind: 'Secret',
  type: 'Opaque',
  metadata: { namespace: 'apps', name: 'db', resourceVersion: '7' },
  data: {}
}

test('a field that is no text is written as its JSON, digit by digit', async (t) => {
  const patches: string[] = []
  const patch = async (body: string): Promise<Secret> => {
    patches.push(body)
    return held
  }
  const text =
    '{ "id" : 12345678901234567890, "deep":{"n": [1.10, 1e400]}, "text":"\\u00e9", "__proto__":"own" }'
  await writeSecret({ get: async () => held, patch }, new Sensitive(text), {})
  const { data } = JSON.parse(patches[0] ?? '')
  const written = Object.entries<string>(data).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString()
  ])
  t.strictSame(written, [
    ['id', '12345678901234567890'],
    ['deep', '{"n":[1.10,1e400]}'],
    ['text', 'é'],
    ['__proto__', 'own']
  ])
})

test('what is no JSON object has no fields to write', async (t) => {
  for (const text of ['x', '[1]', 'null', '"x"', '{"a":1', '']) {
    const write = writeSecret(
      { get: async () => held, patch: async () => held },
      new Sensitive(text),
      {}
    )
    await t.rejects(write, { reason: 'invalid_request', code: 'no_object' })
  }
})
