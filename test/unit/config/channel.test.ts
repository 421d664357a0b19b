// Channels in purser.yaml: where a secret may be sent to, and that every fault is told with its place.
import { test } from 'tap'
import type { ConfigError } from '../../../src/config/fault.ts'
import { parseConfigFile } from '../../support/config-file.ts'

const HEAD = 'stores: [{ name: kv, kind: local }]\nchannels:\n'

interface Members {
  readonly name?: string
  readonly endpoint?: string
  readonly secrets?: string
  readonly rest?: string
}

const GOOD = 'https://directline.botframework.com'
const channel = ({
  name = 'webchat',
  endpoint = GOOD,
  secrets = '["kv:directline-key1"]',
  rest = 'trustedOrigins: []'
}: Members = {}): string =>
  `  - { name: ${name}, secrets: ${secrets}, endpoint: "${endpoint}"${rest && `, ${rest}`} }\n`

const read = (text: string, guarded = true) => parseConfigFile(text, 'purser.yaml', { guarded })
const faultsOf = (text: string, guarded = true): string[] => {
  try {
    read(text, guarded)
    return []
  } catch (error) {
    return (error as ConfigError).faults.map(({ place, message }) => `${place} ${message}`)
  }
}

test('a channel is read as it is documented', async (t) => {
  const { channels } = read(
    `stores: [{ name: kv, kind: azure-key-vault, vaultUrl: "https://keyvault-name.vault.azure.net" }]
secrets: { second: "kv:directline-key2" }
bots: [{ name: sample-bot }]
channels:
  - { name: webchat, bot: sample-bot, secrets: ["kv:directline-key1", second], endpoint: https://europe.directline.botframework.com, trustedOrigins: ["https://www.example.com"] }
  - { name: old, kind: webchat, secrets: ["kv:webchat"], endpoint: "https://webchat.botframework.com/" }
  - { name: in-app, secrets: ["kv:x"], endpoint: "https://my-bot.azurewebsites.net/.bot/", trustedOrigins: [], userIds: generated }
`
  )
  t.same([...channels.keys()], ['webchat', 'old', 'in-app'])
  t.strictSame(
    [...channels.values()],
    [
      {
        name: 'webchat',
        bot: 'sample-bot',
        kind: 'directline',
        secrets: ['kv:directline-key1', 'second'],
        endpoint: 'https://europe.directline.botframework.com',
        trustedOrigins: ['https://www.example.com'],
        takesUserIds: true
      },
      {
        name: 'old',
        kind: 'webchat',
        secrets: ['kv:webchat'],
        endpoint: 'https://webchat.botframework.com',
        trustedOrigins: [],
        takesUserIds: true
      },
      {
        name: 'in-app',
        kind: 'directline',
        secrets: ['kv:x'],
        endpoint: 'https://my-bot.azurewebsites.net/.bot',
        trustedOrigins: [],
        takesUserIds: false
      }
    ]
  )
})

test("a secret is sent to Microsoft's own hosts and nowhere else", async (t) => {
  for (const endpoint of [
    GOOD,
    'https://europe.directline.botframework.com',
    'https://india.directline.botframework.com/',
    'https://directline.botframework.azure.us',
    'https://directline.botframework.azure.cn',
    'https://a.azurewebsites.net/.bot'
  ]) {
    t.same(faultsOf(HEAD + channel({ endpoint })), [], endpoint)
  }
  for (const endpoint of [
    'http://directline.botframework.com',
    'https://directline.botframework.com:8443',
    'https://directline.botframework.com/v3/directline',
    'https://directline.botframework.com?x=1',
    'https://directline.botframework.com/#x',
    'https://user:password@directline.botframework.com',
    'https://directline.botframework.com@evil.example',
    'https://directline.botframework.com.evil.example',
    'https://evil.directline.botframework.com',
    'https://webchat.botframework.com',
    'https://azurewebsites.net/.bot',
    'https://a.b.azurewebsites.net/.bot',
    'https://a.azurewebsites.net',
    'https://a.azurewebsites.net/.bot/../evil',
    'https://a.azurewebsites.net.evil.example/.bot',
    'https://169.254.169.254',
    'ftp://127.0.0.1',
    'directline.botframework.com',
    'http://127.0.0.1:3000',
    'http://localhost:3000'
  ]) {
    t.match(
      faultsOf(HEAD + channel({ endpoint })),
      [/^purser.yaml:3:\d+ channels.0.endpoint must be one of https/],
      endpoint
    )
  }
})

test('an endpoint on this machine is taken in dev and stg alone', async (t) => {
  for (const endpoint of ['http://127.0.0.1:3000', 'http://[::1]:3000', 'https://localhost']) {
    t.same(faultsOf(HEAD + channel({ endpoint }), false), [], endpoint)
    t.equal(faultsOf(HEAD + channel({ endpoint }), true).length, 1, endpoint)
  }
  for (const endpoint of [
    'http://127.0.0.1:3000/x',
    'http://127.0.0.1.evil.example',
    'http://10.0.0.1'
  ]) {
    t.equal(faultsOf(HEAD + channel({ endpoint }), false).length, 1, endpoint)
  }
})

test('each fault of a channel is told with its place, and all at once', async (t) => {
  const at = (text: string) => faultsOf(HEAD + text)
  const kindWebchat = { endpoint: 'https://webchat.botframework.com' }
  for (const [text, ...expected] of [
    [
      channel({ secrets: '["elsewhere:key"]' }),
      /channels.0.secrets.0 leads to no configured store/
    ],
    [
      channel({ secrets: '["kv:a", "kv:b\\\\c"]' }),
      /channels.0.secrets.1 The reference was read as/
    ],
    [channel({ secrets: '["kv:a", "kv:a"]' }), /channels.0.secrets names the same secret twice/],
    [channel({ secrets: '[]' }), /channels.0.secrets must not have fewer than 1 items/],
    [
      channel({ secrets: '["kv:a", "kv:b", "kv:c"]' }),
      /channels.0.secrets must not have more than 2/
    ],
    [channel({ name: 'a/b' }), /channels.0.name must be letters/],
    [channel() + channel(), /purser.yaml:4:\d+ channels.1.name stands twice/],
    [channel({ rest: '' }), /channels.0 lacks trustedOrigins/],
    [
      channel({ rest: 'trustedOrigins: ["https://a.example/"]' }),
      /trustedOrigins.0 must be an exact/
    ],
    [
      channel({ rest: 'trustedOrigins: ["http://a.example"]' }),
      /trustedOrigins.0 must be an exact/
    ],
    [channel({ rest: 'trustedOrigins: ["*"]' }), /trustedOrigins.0 must be an exact origin/],
    [
      channel({ rest: 'bot: nobody, trustedOrigins: []' }),
      /channels.0.bot names a bot that is not configured/
    ],
    [
      channel({ rest: 'colour: red, trustedOrigins: []' }),
      /channels.0.colour is not a known member/
    ],
    [channel({ rest: 'kind: teams, trustedOrigins: []' }), /channels.0.kind must be/],
    [channel({ ...kindWebchat, rest: 'kind: webchat, trustedOrigins: []' }), /kind webchat/],
    [
      channel({ endpoint: 'https://evil.example', secrets: '["no:key"]', rest: '' }),
      /endpoint must be/,
      /lacks trustedOrigins/,
      /secrets.0 leads/
    ]
  ] as const) {
    const faults = at(text)
    t.equal(faults.length, expected.length, faults.join('\n'))
    for (const [index, pattern] of expected.entries()) t.match(faults[index], pattern)
  }
})

test('a policy for channels has patterns, and a faulty one is told', async (t) => {
  const policy = (pattern: string) =>
    `${HEAD}${channel()}policies: [{ client: app, channels: ["${pattern}"] }]\n`
  t.same(faultsOf(policy('web{chat,site}*')), [])
  t.match(faultsOf(policy('web{chat')), [/policies.0.channels.0 .*a pattern opens a brace/])
})
