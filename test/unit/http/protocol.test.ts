/** The spelling of our own paths, in each form of a request's target. */
import { test } from 'tap'
import { isEncoded, isOwnSpelling } from '../../../src/http/protocol.ts'

const TEMPLATE = '/internal/events/:store'
const OWN = ['/internal/events/a', '/internal/events/a%20b', '/internal/events/a?x=%2F']
const DISGUISED = ['/%69nternal/events/a', '/internal/event%73/a']

test('outside its parameters a path is written letter by letter, behind a scheme and a host too', async (t) => {
  for (const before of ['', 'http://purser', 'HTTPS://purser:8700', 'http://%70urser']) {
    for (const path of OWN) t.equal(isOwnSpelling(before + path, TEMPLATE), true, before + path)
    for (const path of DISGUISED) {
      t.equal(isOwnSpelling(before + path, TEMPLATE), false, before + path)
    }
  }
})

test('a target whose path begins elsewhere for another reader is disguised', async (t) => {
  for (const target of ['http://a?b=%2F/internal/events/a', 'http://a#%/internal/events/a']) {
    t.equal(isOwnSpelling(target, TEMPLATE), false, target)
  }
})

test('what stands for the rest of a path may be encoded, and what stands before it may not', async (t) => {
  t.equal(isOwnSpelling('/door/a%20b/c%2Fd', '/door/*'), true)
  t.equal(isOwnSpelling('/d%6For/a', '/door/*'), false)
})

test('only what is encoded before the query may be another spelling of a path', async (t) => {
  for (const url of ['/a', '/a?x=%2F', '*']) t.equal(isEncoded(url), false, url)
  for (const url of ['/%61', '/%61?x=%2F', '/a#%', 'http://a?b=%2F/internal']) {
    t.equal(isEncoded(url), true, url)
  }
})
