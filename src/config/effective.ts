/**
 * The configuration in force, for an administrator's eyes. Rule: member by member; of a secret setting only that it is
 * set.
 */

import type { PolicyRule } from '../core/policy.ts'
import { described } from '../keys/delegation.ts'
import { shownProxy } from '../kinds/shared/proxy.ts'
import type { StoreSpec } from '../secrets/stores.ts'
import type { Config } from './config.ts'
import type { DoorConfig, Target } from './door-entries.ts'
import { settingNames, settingOf } from './settings.ts'

const settingsOf = ({ settings }: Config): Record<string, unknown> =>
  Object.fromEntries(
    settingNames
      .filter((name) => settings[name] !== undefined)
      .map((name) => [name, settingOf(name).secret === true ? '(set)' : settings[name]])
  )

const targetText = (target: Target): string =>
  target.kind === 'names' ? 'secrets:' : `${target.store}:${target.path}`

const doorOf = (door: DoorConfig) => ({
  dialect: door.dialect,
  ...(door.place && {
    port: door.place.port,
    ...(door.place.host !== undefined && { host: door.place.host })
  }),
  ...('target' in door && { store: targetText(door.target) }),
  ...('mounts' in door && {
    mounts: Object.fromEntries(
      [...door.mounts].map(([name, { target, version }]) => [
        name,
        { store: targetText(target), version }
      ])
    )
  }),
  ...('stores' in door &&
    door.stores && {
      stores: Object.fromEntries(
        [...door.stores].map(([name, target]) => [name, targetText(target)])
      )
    })
})

const policyOf = ({ client, read, write, bots, channels, until }: PolicyRule) => ({
  client: [client].flat(),
  ...(read !== undefined && { read: [...read] }),
  ...(write !== undefined && { write: [...write] }),
  ...(bots !== undefined && { bots: [...bots] }),
  ...(channels !== undefined && { channels: [...channels] }),
  ...(until !== undefined && { until })
})

/** Without the settings of the store, which may lead to its credentials. */
export const describeStore = ({ name, plugin, requireTags, proxy }: StoreSpec) => ({
  name,
  kind: plugin.kind,
  requireTags: Object.fromEntries(requireTags),
  ...(proxy !== undefined && { proxy: shownProxy(proxy) })
})

export const effectiveConfig = (config: Config) => ({
  settings: settingsOf(config),
  stores: config.stores.map(describeStore),
  policies: config.policies.map(policyOf),
  delegations: config.delegations.map((one) => ({
    client: [one.client].flat(),
    ...described(one)
  })),
  doors: config.doors.map(doorOf),
  trusts: config.trusts.map(({ name, issuer, audience, proxy, bind, grant }) => ({
    name,
    issuer,
    audience,
    ...(proxy !== undefined && { proxy: shownProxy(proxy) }),
    bind: bind.map(({ claim, values }) => ({ claim: claim.join('/'), values: values.map(String) })),
    grant: { ...grant, scopes: [...grant.scopes] }
  }))
})
