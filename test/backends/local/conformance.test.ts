import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { driverConformance, registerConformance, storageConformance } from '../../../src/testing/index.ts'

const folder = () => mkdtemp(join(tmpdir(), 'holdall-conformance-'))

/** Each case has a folder of its own, which goes when it ends. */
const folders = new WeakMap<object, string>()

async function destroy(place: object): Promise<void> {
  await rm(folders.get(place)!, { recursive: true, force: true })
}

for (const keepMetadata of [false, true]) {
  const cases = driverConformance({
    async create() {
      const location = await folder()
      const { driver } = new LocalStorage({
        location,
        baseUrl: '/media/',
        keepMetadata,
        fsync: false,
        urlSecret: 'a key of sixteen bytes',
      }).calls
      folders.set(driver, location)
      return driver
    },
    destroy,
    tree: true,
    expects: { features: { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: keepMetadata } },
  })
  registerConformance({ describe, it }, cases, `LocalDriver, metadata ${keepMetadata ? 'kept' : 'not kept'}`)
}

registerConformance(
  { describe, it },
  storageConformance({
    async create({ location, fileOverwrite }) {
      const root = await folder()
      const storage = new LocalStorage({
        location: join(root, location),
        fileOverwrite,
        baseUrl: '/media/',
        fsync: false,
      })
      folders.set(storage, root)
      return storage
    },
    destroy,
  }),
  'LocalStorage',
)
