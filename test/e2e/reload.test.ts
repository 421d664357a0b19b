// A reload that an administrator asks for over HTTP: the files as they are now, or nothing and every fault.
import { test } from 'tap'
import {
  createConfigured,
  LOCAL_YAML,
  runPurser,
  serve,
  writeYaml
} from '../support/purser-process.ts'

test('a reload over HTTP takes over the files, or tells every fault and changes nothing', async (t) => {
  const { folder } = createConfigured(t, { variables: { ALLOW_ADMIN_WRITE: 'true' } })
  const issue = async (scope: string, mode: string, client: string): Promise<string> => {
    const args = ['key', 'issue', '-s', scope, '-m', mode, '-e', 'dev', '-a', client]
    return (await runPurser(t, folder, args)).stdout.trim()
  }
  const [admin, app] = [
    await issue('aura-admin', 'rw', 'admin'),
    await issue('aura-services', 'r', 'app')
  ]
  const { url } = await serve(t, folder)
  const grants = async () => {
    const answer = await fetch(`${url}/v1/whoami`, { headers: { 'x-api-key': app } })
    return ((await answer.json()) as { grants: { read: string[] } }).grants.read
  }
  const reload = async () => {
    const headers = { 'x-api-key': admin }
    return (await fetch(`${url}/v1/admin/config/reload`, { method: 'POST', headers })).json()
  }
  t.same(await grants(), ['local:team/*'])
  writeYaml(folder, `${LOCAL_YAML.replace('team', 'other')}colour: red\n`)
  t.match(await reload(), {
    reloaded: false,
    faults: [{ place: /^purser\.yaml:\d+:\d+$/, message: /colour is not a known member/ }]
  })
  t.same(await grants(), ['local:team/*'])
  writeYaml(folder, LOCAL_YAML.replace('team', 'other'))
  t.same(await reload(), { reloaded: true, faults: [] })
  t.same(await grants(), ['local:other/*'])
})
