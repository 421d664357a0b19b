/**
 * Calls to a Connect server, each with the token. Rule: GET and nothing else; a token that was refused is read anew
 * once, and then remembered as refused.
 */
import { Sensitive } from '../../core/secret.ts'
import type { CallOptions, Credential, ProviderDeps } from '../provider.ts'
import { secretsAt } from '../shared/credential.ts'
import type { Transport } from '../shared/http-transport.ts'
import { createLogin } from '../shared/login.ts'
import {
  faultOfAnswer,
  type Item,
  type ItemOverview,
  parseItem,
  parseOverviews,
  parseVaults,
  type Vault
} from './answer.ts'

/** All throw ProviderFault. */
export interface Api {
  /** Those that the token may see; of this name, if one is given. */
  readonly vaults: (options: CallOptions, name?: string) => Promise<readonly Vault[]>
  /** Those of the vault; of this title, if one is given. */
  readonly entries: (
    vault: string,
    options: CallOptions,
    title?: string
  ) => Promise<readonly ItemOverview[]>
  readonly item: (vault: string, id: string, options: CallOptions) => Promise<Item>
  readonly close: () => void
}

/**
 * SCIM's `eq` (RFC 7644, 3.4.2.2). The vendor's clients escape nothing in it, so how it would have to be done is not
 * known: what cannot stand between quotes is looked for among all.
 */
const filterOf = (attribute: string, text: string | undefined): string =>
  text === undefined || /["\\]/.test(text)
    ? ''
    : `?filter=${encodeURIComponent(`${attribute} eq "${text}"`)}`

export const createApi = (
  origin: string,
  token: Credential,
  transport: Transport,
  deps: Pick<ProviderDeps, 'credential' | 'logins' | 'now'>
): Api => {
  const login = createLogin<Sensitive<string>>(
    {
      credential: async (options) =>
        (await secretsAt(deps, [token], options)).map((text) => text.trim()),
      login: async ([text = '']) => new Sensitive(text)
    },
    deps
  )

  const ask = async (used: Sensitive<string>, path: string, { signal }: CallOptions) => {
    const answer = await transport.send({
      method: 'GET',
      url: `${origin}${path}`,
      headers: { authorization: `Bearer ${used.reveal()}`, accept: 'application/json' },
      signal
    })
    if (answer.status !== 200) throw faultOfAnswer(answer, deps.now())
    return answer.text
  }

  const get = (path: string, options: CallOptions): Promise<string> =>
    login.use(options, (used) => ask(used, path, options), {
      // A 403 is about a vault.
      isDisowned: ({ status }) => status === 401
    })

  return {
    vaults: async (options, name) =>
      parseVaults(await get(`/v1/vaults${filterOf('name', name)}`, options)),
    entries: async (vault, options, title) =>
      parseOverviews(
        await get(`/v1/vaults/${vault}/items${filterOf('title', title)}`, options),
        vault
      ),
    item: async (vault, id, options) =>
      parseItem(await get(`/v1/vaults/${vault}/items/${id}`, options), vault, id),
    close: () => {
      login.close()
      transport.close()
    }
  }
}
