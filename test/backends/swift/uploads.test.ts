import { afterAll, expect, it } from 'vitest'
import { FORBIDDEN } from '../../faults/faults.ts'
import { distinctBytes } from '../../faults/ground.ts'
import { startFaultProxy } from '../../servers/fault-proxy.ts'
import { startStrictSwift } from '../../servers/strict-swift.ts'
import { PART, startGround } from './fault-steps.ts'
import { at, storageWith } from './support.ts'

const ground = await startGround()
afterAll(() => ground.close())
const LARGE = distinctBytes(3 * PART - 1000)

it('a segment that lands after its upload has failed is deleted all the same', async () => {
  const proxy = await startFaultProxy(ground.url, request => {
    if (ground.steps['part 2'](request)) return FORBIDDEN
    if (ground.steps['part 1'](request) || ground.steps['last part'](request)) return { do: 'hold', ms: 400 }
    return undefined
  })
  try {
    const files = ground.storage(proxy.url, { timeoutSecs: 30, maxAttempts: 1 })
    await expect(files.save('failed', LARGE)).rejects.toMatchObject({ code: 'permission_denied' })
    await files.close()
    await proxy.quiet()
    const puts = ground.server.requests.filter(
      ({ container, method }) => container === 'media_segments' && method === 'PUT',
    )
    expect(puts.length).toBeGreaterThan(0)
    expect(ground.server.names('media_segments')).toEqual([])
  } finally {
    await proxy.close()
  }
})

it('no object is larger than the cluster takes, whatever is set', async () => {
  const server = await startStrictSwift({ limits: { maxFileSize: 1_200_000 } })
  try {
    await using storage = storageWith({ ...at(server), multipartThreshold: 64_000_000, partSize: 64_000_000 })
    const bytes = distinctBytes(2_000_000)
    await storage.save('large', bytes)
    expect(server.object('large')?.slo?.segments.map(each => each.bytes)).toEqual([1_200_000, 800_000])
    expect((await storage.readBytes('large')).equals(bytes)).toBe(true)
    await storage.copy('large', 'copied')
    expect((await storage.readBytes('copied')).equals(bytes)).toBe(true)
    expect(server.complaints).toEqual([])
  } finally {
    await server.close()
  }
})
