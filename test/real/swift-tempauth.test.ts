/** OpenStack Swift with TempAuth: conformance, with static and with dynamic large objects. */
import { afterAll, expect, test } from 'vitest'
import { startSwift } from '../servers/swift.ts'
import { describeConformance, emptyAndClose } from './backend.ts'
import { conforming, namesIn, SMALL_PARTS, setKey, swiftStorage, TEMP_URL_KEY } from './places/swift.ts'
import { describeUploads } from './uploads.ts'

const server = await startSwift()
afterAll(() => server.close(), 60_000)
await setKey(server)
await using made = swiftStorage(server)
await made.createContainer()

const options = { ...SMALL_PARTS, tempUrlKey: TEMP_URL_KEY }

describeConformance(
  {
    'the driver of Swift, static large objects': conforming(server, () => swiftStorage(server, options), {
      locations: ['some place/below/'],
      limits: true,
    }),
    'the driver of Swift, dynamic large objects': conforming(server, () =>
      swiftStorage(server, { ...options, largeObjects: 'dlo' }),
    ),
  },
  {
    SwiftStorage: { create: wanted => swiftStorage(server, { ...SMALL_PARTS, ...wanted }), destroy: emptyAndClose },
  },
)

for (const largeObjects of ['slo', 'dlo'] as const) {
  describeUploads(`uploads of clients, and in parts, ${largeObjects}`, {
    open: () => swiftStorage(server, { ...options, largeObjects, fileOverwrite: true }),
    partSize: SMALL_PARTS.partSize as number,
    method: 'PUT',
    limitsSize: false,
    unfinished: () => namesIn(server, 'media_segments'),
  })
}

test('no segment is left', async () => {
  expect(await namesIn(server, 'media')).toEqual([])
  expect(await namesIn(server, 'media_segments')).toEqual([])
})
