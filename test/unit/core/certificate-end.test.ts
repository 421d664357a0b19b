import { X509Certificate } from 'node:crypto'
import { test } from 'tap'
import { certificatesIn, firstEndIn } from '../../../src/core/certificate-end.ts'
import { createCertificate } from '../../support/certificate.ts'

const { cert: sound } = createCertificate('a.example')
const { cert: expired } = createCertificate('b.example', 'ec', { isExpired: true })
const endOf = (pem: string): number => Date.parse(new X509Certificate(pem).validTo)

test('of several certificates the end that comes first counts, wherever it stands and whatever is in between', async (t) => {
  for (const pem of [`${sound}${expired}`, `${expired}\n# the root of all\n${sound}`]) {
    t.equal(firstEndIn(Buffer.from(pem)), endOf(expired))
    const found = certificatesIn(Buffer.from(pem)).map(({ validTo }) => Date.parse(validTo))
    t.same(found.sort(), [endOf(expired), endOf(sound)])
  }
  t.equal(firstEndIn(Buffer.from(sound)), endOf(sound))
})

test('where there is no certificate, or one that cannot be read, there is no end', async (t) => {
  for (const pem of ['', 'no certificate', createCertificate('a').key]) {
    t.equal(firstEndIn(Buffer.from(pem)), undefined)
    t.same(certificatesIn(Buffer.from(pem)), [])
  }
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  t.equal(firstEndIn(Buffer.from(`${sound}${broken}`)), undefined)
  t.throws(() => certificatesIn(Buffer.from(broken)))
})
