import { test } from 'tap'
import { placeOfFault, sayFault } from '../../../src/config/json-fault.ts'

test('a text stops being JSON at the first character that cannot stand where it does', async (t) => {
  for (const [json, place] of [
    ['', '1:1'],
    ['[1,]', '1:4'],
    ['[{"a": 1,}]', '1:10'],
    ['[\n  { "a": "b" },\n  { "a" "b" }\n]', '3:9'],
    ['{"a": tru}', '1:7'],
    ['{"a": 01}', '1:8'],
    ['["a', '1:2'],
    ['["\\x"]', '1:2'],
    ['["a\tb"]', '1:2'],
    ["[{'a': 1}]", '1:3'],
    ['[1] 2', '1:5'],
    ['[[[', '1:4']
  ] as const) {
    t.throws(() => JSON.parse(json), json)
    t.equal(placeOfFault(json), place, json)
  }
})

test('what is JSON has its fault at its end, so that none is found too early', async (t) => {
  for (const json of [
    '[]',
    ' { } ',
    '[{"a":[1,-2.5e+3,true,false,null,"\\u00e9\\n\\"€"]},{"b":{}}]\r\n',
    '{"": "żółw 🔑"}'
  ]) {
    JSON.parse(json)
    t.equal(placeOfFault(json.trimEnd()), `1:${json.trimEnd().length + 1}`, json)
  }
})

test('a comma too many is called so, and no other fault is', async (t) => {
  for (const json of ['[1,]', '[1 , \n]', '[{"a": 1,}]', '[1,,2]']) {
    t.equal(sayFault(json), 'is not valid JSON: take out the comma before it', json)
  }
  for (const json of ['', '[1 2]', '{"a": tru}', '["a,', '[1] ,2', '{"a": 1, b: 2}', '[1,']) {
    t.equal(sayFault(json), 'is not valid JSON', json)
  }
})
