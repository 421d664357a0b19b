import { test } from 'tap'
import { crc32c } from '../../../src/kinds/gcp/crc32c.ts'

/** RFC 3720 B.4, and the check value that is usual for checksums of this family. */
const VECTORS: readonly (readonly [Buffer, number])[] = [
  [Buffer.alloc(0), 0],
  [Buffer.from('123456789'), 0xe3069283],
  [Buffer.alloc(32), 0x8a9136aa],
  [Buffer.alloc(32, 0xff), 0x62a8ab43],
  [Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e]
]

test('the checksum is that of the published vectors', async (t) => {
  for (const [bytes, sum] of VECTORS) t.equal(crc32c(bytes), sum)
})
