// Why secrets could not be had, for people.
import { test } from 'tap'
import { refusal } from '../../../../src/cli/run/unread.ts'

test('a refused key is called so, also where the answer has no body that was read', async (t) => {
  const refused = refusal(undefined, { status: 401, json: undefined, retryAfter: undefined })
  t.match(refused, { isKeyRefused: true, message: 'key_refused: The service refused the key.' })
  const other = refusal(undefined, { status: 418, json: undefined, retryAfter: undefined })
  t.match(other.message, /unexpected_answer: .*418/)
})
