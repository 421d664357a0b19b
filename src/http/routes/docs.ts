/** The interface's description, where DOCS_ENABLED asks for it. */
import type { App } from '../route-auth.ts'

export const addDocsRoute = (app: App, { openapi }: { readonly openapi: string }): void => {
  app.get(
    '/openapi.yaml',
    {
      config: { auth: { kind: 'open' } },
      schema: { operationId: 'openapi', summary: 'This description, if DOCS_ENABLED' }
    },
    (_request, reply) => reply.type('application/yaml; charset=utf-8').send(openapi)
  )
}
