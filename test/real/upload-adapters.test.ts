import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { afterAll, describe, test } from 'vitest'
import { PART } from '../backends/s3/fault-steps.ts'
import { startRgw } from '../servers/rgw.ts'
import { cutForms } from '../uploads/cuts.ts'
import { GROUNDS, type Ground } from '../uploads/grounds.ts'
import { localPlace, type Place, s3Place, watched } from '../uploads/places.ts'
import { officialClient, rgwStorage } from './places/rgw.ts'

const server = await startRgw()
const client = officialClient(server)

function rgwPlace(): Place {
  const Bucket = 'media'
  const storage = rgwStorage(server, { fileOverwrite: true, partSize: 5 * 1024 * 1024 }, Bucket)
  const busy = watched(storage)
  const names = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const { name } of storage.entries('', { recursive: true })) found.push(name)
    return found
  }
  return {
    name: 'a real S3 server',
    storage,
    busy,
    async left() {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
      return [...(await names()), ...Uploads.map(({ Key }) => `upload of ${Key}`)]
    },
    async clear() {
      await storage.deleteMany(await names())
    },
    close: () => storage.close(),
  }
}

const rgw = rgwPlace()
if (!(await rgw.storage.exists('none').catch(() => false))) await rgw.storage.createContainer()
const places = [
  { place: localPlace(), count: 200, size: 20_000 },
  { place: await s3Place(), count: 200, size: PART },
  // The second file has 6 MiB, in two parts.
  { place: rgw, count: 50, size: 2 * 1024 * 1024 },
]
afterAll(async () => {
  for (const { place } of places) await place.close()
  client.destroy()
  await server.close()
}, 60_000)

const grounds: readonly (Ground & { readonly path?: string })[] = [
  ...GROUNDS,
  { ...GROUNDS.find(({ name }) => name === 'Fastify')!, name: 'Fastify with request.parts()', path: '/parts' },
]

describe.each(places)(
  'a client that disconnects leaves nothing on $place.name, in $count tries',
  ({ place, count, size }) => {
    test.each(grounds)(
      'by $name',
      async ground => cutForms(ground, place, { count, seed: 2026, size, path: ground.path ?? '/' }),
      300_000,
    )
  },
)
