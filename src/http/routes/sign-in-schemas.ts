/** The shapes of a sign-in at a provider. */
import { Type } from 'typebox'

/** Providers add parameters of their own, which are left to the library that reads them. */
export const BackQuery = Type.Object({
  state: Type.Optional(Type.String({ maxLength: 128 })),
  code: Type.Optional(Type.String({ maxLength: 4096 })),
  iss: Type.Optional(Type.String({ maxLength: 2048, description: 'RFC 9207' })),
  error: Type.Optional(Type.String({ maxLength: 256, description: 'instead of a code' }))
})

export const ThereAnswer = Type.Unsafe<string>(
  Type.Null({ description: 'to the provider, with a cookie for the way back' })
)

export const BackAnswer = {
  description: 'A page that leads on, with the cookie of the session',
  content: { 'text/html': { schema: Type.Unsafe<string>(Type.String()) } }
}
