// The right on a field is the right on that field alone, in every spelling that leads to it.
import { test } from 'tap'
import { buildTestApp } from '../support/build-app.ts'

const q = encodeURIComponent

test('a policy covers exactly the field that it names, however it is spelt', async (t) => {
  const app = await buildTestApp(t, {
    yaml: `
stores: [{ name: alpha, kind: local }]
policies:
  - { client: deep, read: ['alpha:doc#/a/b'] }
  - { client: shallow, read: ['alpha:doc#a'] }
  - { client: slash, read: ['alpha:doc#a/b'] }
  - { client: item, read: ['alpha:doc#/list/0'] }
  - { client: all, read: ['alpha:doc'] }
`
  })
  const text = {
    a: { b: 'deep', c: 'other', '0': 'zero' },
    'a/b': 'slash',
    'a~1b': 'tilde',
    list: ['item', 'next']
  }
  await app.seed('alpha', 'doc', JSON.stringify(text))
  const shallow = JSON.stringify(text.a)
  // Each with what it leads to, and for whom.
  const rows: [field: string, value: string | undefined, client: string][] = [
    ['/a/b', 'deep', 'deep'],
    ['/%61/b', 'deep', 'deep'],
    ['/a/%62', 'deep', 'deep'],
    ['a', shallow, 'shallow'],
    ['/a', shallow, 'shallow'],
    ['%61', shallow, 'shallow'],
    ['a/b', 'slash', 'slash'],
    ['/a~1b', 'slash', 'slash'],
    ['/a%7E1b', 'slash', 'slash'],
    ['/list/0', 'item', 'item'],
    ['/list/%30', 'item', 'item'],
    ['a~1b', 'tilde', 'all'],
    ['/a~01b', 'tilde', 'all'],
    ['/a/c', 'other', 'all'],
    ['/list/1', 'next', 'all'],
    ['/list/00', undefined, 'all'],
    ['/list/-', undefined, 'all'],
    ['/a/b/', undefined, 'all'],
    ['//a/b', undefined, 'all'],
    ['/a//b', undefined, 'all'],
    ['/a/', undefined, 'all'],
    ['/', undefined, 'all'],
    ['/A/b', undefined, 'all']
  ]
  for (const client of ['deep', 'shallow', 'slash', 'item', 'all']) {
    const { ask } = await app.as(client)
    for (const [field, value, owner] of rows) {
      for (const format of ['json', 'raw']) {
        const urls = [`ref=${q(`alpha:doc#${field}`)}`, `ref=alpha:doc&field=${q(field)}`]
        for (const url of urls) {
          const answer = await ask('GET', `/v1/secrets?${url}&format=${format}`)
          const mayRead = client === owner || client === 'all'
          const expected = mayRead ? (value === undefined ? 404 : 200) : 403
          if (answer.statusCode !== expected)
            t.fail(`${client} ${url} ${format}: ${answer.statusCode}`)
          if (expected !== 200) continue
          const told = format === 'raw' ? answer.body : JSON.parse(answer.body).value
          if (told !== value) t.fail(`${client} ${url} ${format}: another field`)
        }
      }
    }
    for (const field of [
      '/a%2Fb',
      'a%2Fb',
      '%2Fa',
      '/a~',
      '/a~2b',
      '/a~b',
      '/a%00',
      'a#b',
      'a?b'
    ]) {
      const answer = await ask('GET', `/v1/secrets?ref=alpha:doc&field=${q(field)}`)
      t.equal(answer.statusCode, 400, `${client} ${field}`)
    }
  }
})
