import { describe, expect, it } from 'vitest'
import type { S3Storage } from '../../../src/backends/s3/index.ts'
import { migrate } from '../../../src/transfer/index.ts'
import { s3Place } from '../../storage/strict-places.ts'
import { fill, memory } from '../support.ts'

describe('files without a comparable digest', () => {
  it('are counted, and what was compared instead', async () => {
    const place = await s3Place()
    const source = place.storage()
    const target = place.storage({ bucketName: 'other' }) as S3Storage
    const inParts = place.storage({ multipartThreshold: 5_242_880, partSize: 5_242_880 })
    try {
      await target.createContainer()
      await fill(source, { one: '1', two: '2' })
      await inParts.save('parts', Buffer.alloc(6_000_000, 'p'))
      const size = await migrate(source, target)
      expect(size).toMatchObject({ isDone: true, counts: { verified: 3, compared: 2, withoutDigest: 1, sizeOnly: 1 } })
      const full = await migrate(source, target, { verify: 'full' })
      expect(full).toMatchObject({ isDone: true, counts: { verified: 3, compared: 3, withoutDigest: 1, sizeOnly: 0 } })
      const none = await migrate(source, target, { verify: false })
      expect(none).toMatchObject({ isDone: true, counts: { verified: 0, compared: 0, withoutDigest: 0, sizeOnly: 0 } })
    } finally {
      for (const storage of [source, target, inParts]) await storage.close()
      await place.end()
    }
  })

  it('each file is one of those compared, by size only, or different', async () => {
    const [source, target] = [memory(), memory()]
    await fill(source, Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`file ${at}`, `text ${at}`])))
    for (const verify of ['size', 'sample', 'full'] as const) {
      const { counts } = await migrate(source, target, { verify })
      expect(counts.compared + counts.sizeOnly + counts.different).toBe(300)
      expect(counts.withoutDigest).toBeGreaterThanOrEqual(counts.sizeOnly)
      if (verify === 'full') expect(counts.sizeOnly).toBe(0)
    }
  })
})
