/** Checks of certificates: our own, and those that peers are verified by. */
import { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { rootCertificates } from 'node:tls'
import { certificatesIn } from '../../core/certificate-end.ts'
import { pemOfFile } from '../../core/file-text.ts'
import { readFileBytesSync } from '../../files/read.ts'
import { type Check, type Finding, fail, failInEarnest, untold, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'
import { MEND_FIRST, NotKnown } from '../not-known.ts'

interface Named {
  readonly place: string
  readonly file: string
}

/** Every file that holds certificates. */
const filesOf = ({ settings, config }: Installation): Named[] => {
  const { TLS_CERT_FILE, TLS_CLIENT_CA_FILE, REDIS_CA_FILE, REDIS_CERT_FILE } = settings
  const own = { TLS_CERT_FILE, TLS_CLIENT_CA_FILE, REDIS_CA_FILE, REDIS_CERT_FILE }
  const ofStores = (config?.placed ?? [])
    .filter(({ subject }) => /(^|\.)caCertFile$/.test(subject))
    .map(({ store, subject, where }) => ({
      place: `${subject} of the store ${store}`,
      file: where.file ?? ''
    }))
  const ofTrusts = (config?.trusts ?? []).flatMap(({ name, caFile = '', review }) => [
    { place: `caFile of the trust ${name}`, file: caFile },
    { place: `apiServer.caFile of the trust ${name}`, file: review?.caFile ?? '' }
  ])
  return [
    ...Object.entries(own).map(([place, file = '']) => ({ place, file })),
    ...ofStores,
    ...ofTrusts
  ].filter(({ file }) => file !== '')
}

const DAY_MS = 86_400_000
/** Long enough for whoever renews by hand; what renews by itself does so with a third of 90 days left. */
const SOON_DAYS = 21

const dates = (place: string, { validFrom, validTo }: X509Certificate, now: number): Finding[] => {
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS)
  return [
    ...when(
      Date.parse(validTo) <= now,
      fail(`${place}: a certificate ended on ${validTo}: renew it`)
    ),
    ...when(
      Date.parse(validTo) > now && days < SOON_DAYS,
      warn(`${place}: a certificate ends in ${days} days: renew it`)
    ),
    ...when(
      Date.parse(validFrom) > now,
      fail(`${place}: a certificate begins on ${validFrom} only: look at the clock of this machine`)
    )
  ]
}

const ofFile = ({ folder, now }: Installation, { place, file }: Named): readonly Finding[] => {
  try {
    return certificatesIn(pemOfFile(readFileBytesSync(resolve(folder, file)))).flatMap((one) =>
      dates(place, one, now)
    )
  } catch {
    // That a start would refuse the file is told there.
    return [untold(`when the certificates in ${place} end: the file cannot be read`)]
  }
}

const isIssuedBy = (one: X509Certificate, issuer: X509Certificate): boolean =>
  one.checkIssued(issuer) && one.verify(issuer.publicKey)

const RSA_BITS = 2048

const ofKey = ({ publicKey }: X509Certificate): readonly Finding[] => {
  const bits = publicKey.asymmetricKeyDetails?.modulusLength
  return when(
    bits !== undefined && bits < RSA_BITS,
    fail(`TLS_CERT_FILE: its RSA key has fewer than ${RSA_BITS} bits: make a new one`)
  )
}

const ofChain = (all: readonly X509Certificate[]): readonly Finding[] => {
  const [leaf, ...others] = all
  const last = all.at(-1)
  if (leaf === undefined || last === undefined) return []
  const broken = others.findIndex((issuer, at) => !isIssuedBy(all[at] ?? leaf, issuer))
  if (broken >= 0) {
    return [
      fail(
        `TLS_CERT_FILE: certificate ${broken + 1} was not issued by the one behind it: put the certificate first, then each one's issuer`
      )
    ]
  }
  if (all.length === 1 && isIssuedBy(leaf, leaf)) {
    return [
      failInEarnest(
        'TLS_CERT_FILE: the certificate is signed by itself, so that no caller can verify it: get one of an authority'
      )
    ]
  }
  const isPublic = rootCertificates.some((root) => {
    const authority = new X509Certificate(root)
    return last.fingerprint256 === authority.fingerprint256 || isIssuedBy(last, authority)
  })
  return when(
    !isPublic,
    warn(
      'TLS_CERT_FILE: the chain leads to no public authority: fine if callers trust yours, otherwise put the missing certificates into the file'
    )
  )
}

const idle = ({ settings }: Installation): string | undefined =>
  settings.TLS_CERT_FILE === undefined ? 'TLS_CERT_FILE is not set' : undefined

export const tlsChecks: readonly Check[] = [
  {
    id: 'tls-key',
    title: 'the private key is that of the certificate',
    idle,
    places: ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CLIENT_CA_FILE']
  },
  {
    id: 'tls-chain',
    title: 'the chain of certificates is whole',
    idle,
    run: ({ config }) => {
      if (config?.tls === undefined) {
        throw new NotKnown(MEND_FIRST)
      }
      const all = certificatesIn(config.tls.cert)
      return [...all.flatMap(ofKey), ...ofChain(all)]
    }
  },
  {
    id: 'certificates-end',
    title: `no certificate ends within ${SOON_DAYS} days`,
    run: (on) => filesOf(on).flatMap((file) => ofFile(on, file))
  }
]
