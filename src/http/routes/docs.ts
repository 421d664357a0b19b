/** The interface's description, where DOCS_ENABLED asks for it: for programs and for people. */
import { renderDocs } from '../docs-page.ts'
import type { TypedFastify } from '../route-auth.ts'

const config = { auth: { kind: 'open' } } as const

export interface DocsRouteOptions {
  readonly openapi: string
}

export const addDocsRoute = (app: TypedFastify, { openapi }: DocsRouteOptions): void => {
  app.get(
    '/openapi.yaml',
    { config, schema: { operationId: 'openapi', summary: 'This description, if DOCS_ENABLED' } },
    (_request, reply) => reply.type('application/yaml; charset=utf-8').send(openapi)
  )

  // Not while the description itself is being made.
  const page = openapi === '' ? undefined : renderDocs(openapi)
  app.get(
    '/docs',
    {
      config,
      schema: { operationId: 'docs', summary: 'This description as a page, if DOCS_ENABLED' }
    },
    (_request, reply) =>
      reply
        .header('content-security-policy', page?.policy)
        .type('text/html; charset=utf-8')
        .send(page?.html)
  )
}
