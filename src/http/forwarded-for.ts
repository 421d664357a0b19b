/**
 * Addresses as proxies write them. Rule: only what is around an address is taken off (a port, brackets, quotes); what is no
 * address then is none, and counts as the proxy that passed it on.
 */

// RFC 7239, 6 has these forms, and Azure's Application Gateway, IIS and HAProxy use them in X-Forwarded-For too. An IPv6
// address without brackets is taken as it stands: what follows its last colon is a part of it.
const DRESSED =
  /^"?(?:(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?|\[([\da-f:.]{2,45})\](?::\d{1,5})?)"?$/i

const plainAddress = (written: string): string => {
  const [, v4, v6] = DRESSED.exec(written) ?? []
  return v4 ?? v6 ?? written
}

/** X-Forwarded-For with bare addresses, so that those of TRUST_PROXY are known in it and limits count addresses, not ports. */
export const plainAddresses = (header: string): string =>
  /[[":]/.test(header)
    ? header
        .split(',')
        .map((written) => plainAddress(written.trim()))
        .join(', ')
    : header
