/** What becomes of an item of 1Password: the names of its fields, and its tags. */
import { test } from 'tap'
import type { Field, Item } from '../../../src/kinds/onepassword/answer.ts'
import { toRecord } from '../../../src/kinds/onepassword/record.ts'
import { faultOf } from '../../contract/subject.ts'
import { idOf } from './fake.ts'

const itemWith = (more: Partial<Item>): Item => ({
  id: idOf('item'),
  vault: { id: idOf('vault') },
  version: 1,
  ...more
})

const SECTIONS = [{ id: 's1', label: 'primary' }, { id: 's2', label: 'replica' }, { id: 's3' }]
const FIELDS: readonly (readonly [when: string, fields: Field[], expected: object])[] = [
  [
    'fields go by their labels, and without a value they are empty',
    [
      { id: 'username', label: 'username', purpose: 'USERNAME', value: 'app' },
      { id: 'x', label: 'one-time password', value: 'otpauth://' },
      { id: 'notesPlain', label: 'notesPlain', purpose: 'NOTES' }
    ],
    { username: 'app', 'one-time password': 'otpauth://', notesPlain: '' }
  ],
  [
    'what has no label goes by its id, and what is built in by its usual label as well',
    [
      { id: 'f1', value: 'a' },
      { id: 'f2', label: 'Passwort', purpose: 'PASSWORD', value: 'b' }
    ],
    { f1: 'a', Passwort: 'b', password: 'b' }
  ],
  [
    'what stands in a section goes by both names',
    [{ id: 'a', label: 'port', value: '1', section: { id: 's1' } }],
    { port: '1', 'primary.port': '1' }
  ],
  [
    'a label that stands twice goes by its sections, and without one to what stands outside',
    [
      { id: 'a', label: 'host', value: '1', section: { id: 's1' } },
      { id: 'b', label: 'host', value: '2', section: { id: 's2' } },
      { id: 'c', label: 'port', value: '3' },
      { id: 'd', label: 'port', value: '4', section: { id: 's3' } }
    ],
    { 'primary.host': '1', 'replica.host': '2', port: '3', 's3.port': '4' }
  ],
  [
    'what no name tells apart goes by its id',
    [
      { id: 'a', label: 'key', value: '1' },
      { id: 'b', label: 'key', value: '2' },
      { id: 'c', label: '__proto__', value: '3' }
    ],
    JSON.parse('{"__proto__":"3","a":"1","b":"2"}')
  ]
]

for (const [when, fields, expected] of FIELDS) {
  test(when, async (t) => {
    const record = toRecord(itemWith({ fields, sections: SECTIONS }))
    t.strictSame(JSON.parse(record.text.reveal()), expected)
  })
}

test('a field that no name and no id tells from another one is a fault', async (t) => {
  const fields = ['1', '2'].map((value) => ({ id: 'same', label: 'key', value }))
  const fault = await faultOf(Promise.resolve().then(() => toRecord(itemWith({ fields }))))
  t.match(fault, { reason: 'misconfigured', code: 'ambiguous_field' })
})

test('an item without fields is an empty object without tags', async (t) => {
  for (const nothing of [undefined, null]) {
    const { text, tags } = toRecord(
      itemWith(nothing === null ? { fields: nothing, tags: nothing, sections: nothing } : {})
    )
    t.equal(text.reveal(), '{}')
    t.equal(tags?.size, 0)
  }
})

test('a tag is a word that is true, or a name and a value, of which there is one', async (t) => {
  const { tags } = toRecord(itemWith({ tags: ['purser-read', 'team=voice', 'stage=a', 'stage=b'] }))
  t.strictSame(Object.fromEntries(tags ?? []), { 'purser-read': 'true', team: 'voice' })
})
