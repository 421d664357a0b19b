import { test } from 'tap'
import { placeOf, routeParts, routeText } from '../../../src/core/route-text.ts'

test('a route is read as it was written', async (t) => {
  for (const [dialect, method, template] of [
    [undefined, 'GET', '/v1/secrets/:name'],
    [undefined, 'M-SEARCH', ''],
    [undefined, '', ''],
    ['vault', 'GET', '/v1/:mount/data/*'],
    ['aws-agent', 'POST', ''],
    ['vault', '', '']
  ] as const) {
    const parts = { dialect, method, template }
    t.strictSame(routeParts(routeText(dialect, method, template)), parts)
  }
  for (const text of ['SIGHUP', 'retention', '']) t.equal(routeParts(text), undefined, text)
})

test('the place of a route names its dialect, and nothing where there is no route', async (t) => {
  t.equal(placeOf({ dialect: undefined, method: 'GET', template: '/a' }), '/a')
  t.equal(placeOf({ dialect: 'vault', method: 'GET', template: '/a' }), 'vault /a')
  t.equal(placeOf({ dialect: 'vault', method: 'GET', template: '' }), '')
})
