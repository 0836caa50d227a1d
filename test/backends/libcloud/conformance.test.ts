/** What the storage adds is how it stands on another one: one of those is enough for all cases. `behaviours.test.ts` has the others. */
import { afterAll, describe, it } from 'vitest'
import { registerConformance, storageConformance } from '../../../src/testing/index.ts'
import { startPlaces } from './places.ts'
import { storageOf } from './support.ts'

const [place] = await startPlaces(['S3'])
afterAll(() => place!.close())

registerConformance(
  { describe, it },
  storageConformance({
    create: wanted => storageOf(place!.entry, {}, { ...wanted }),
    locations: ['below'],
  }),
  'LibCloudStorage of S3',
)
