import { attributesIn, metadataQuery } from '../../src/backends/nimbus/metadata.ts'
import { collectionProblem, keyPath } from '../../src/backends/nimbus/names.ts'
import { nimbusKey, nimbusSettings } from '../../src/backends/nimbus/settings.ts'
import type { Setting } from '../../src/core/settings.ts'
import { quietly, type Target } from './target.ts'

/** What servers and users of Nimbus.io write. */
export const ofNimbus: readonly Target[] = [
  {
    title: 'names, keys and users of Nimbus.io',
    parts: ['a', '-', '--', '.', '..', '/', ':', '5', ' ', '%', '+', 'é', '😀'],
    length: 8000,
    run: input => [
      collectionProblem(input),
      quietly(() => keyPath('data', input)),
      quietly(() => nimbusKey({ user: input, keyId: null, key: 'k' })),
      quietly(() => metadataQuery(input, { contentType: input, metadata: { a: input } })),
    ],
  },
  {
    title: 'metadata of Nimbus.io',
    parts: ['__nimbus_io__', 'holdall-', 'content-type', 'a', '_', '-', ' '],
    length: 20_000,
    run: input => attributesIn([[input, input], [input], input, ...Array.from(input, each => [each, each])]),
  },
  {
    title: 'settings of Nimbus.io',
    parts: ['1', '-', ':', '.', ' ', '[', 'a', 'true', '/'],
    length: 8000,
    run(input) {
      for (const setting of Object.values<Setting<unknown>>(nimbusSettings)) quietly(() => setting.parse(input))
    },
  },
]
