/** What the service's own TLS is made of. */
export interface ServerTls {
  /** PEM. */
  readonly cert: Buffer
  readonly key: Buffer
  /** If given, callers must present a certificate of this authority. */
  readonly clientCa?: Buffer
}
