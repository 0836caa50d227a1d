import { checksumIn } from '../../src/backends/atmos/checksum.ts'
import { statOf } from '../../src/backends/atmos/metadata.ts'
import { checkKey } from '../../src/backends/atmos/names.ts'
import { atmosSettings } from '../../src/backends/atmos/settings.ts'
import { stringToSign } from '../../src/backends/atmos/sign.ts'
import { tagHeaders, tagsIn } from '../../src/backends/atmos/tags.ts'
import type { Setting } from '../../src/core/settings.ts'
import { quietly, type Target } from './target.ts'

/** What services of Atmos send, and their users write. */
export const ofAtmos: readonly Target[] = [
  {
    title: 'headers of Atmos',
    parts: ['a', '=', ',', ', ', ' ', '%', '%41', '%zz', '/', 'SHA1', '1', 'size=', 'holdall-tag-', '\xe9'],
    run: input => [
      tagsIn(input),
      checksumIn({ 'x-emc-wschecksum': input }),
      statOf({ 'x-emc-meta': input, 'x-emc-listable-meta': input, etag: input }),
    ],
  },
  {
    title: 'tags and signatures of Atmos',
    parts: ['a', ' ', '  ', ',', '%', '=', '\n', 'é', '~'],
    run: input => [
      tagHeaders({ a: input, [input]: 'b' }),
      stringToSign({ method: 'GET', path: '/', headers: { 'x-emc-meta': input } }),
    ],
  },
  {
    title: 'names of Atmos',
    parts: ['/', ' ', '.', 'a', 'é', '\u0001', '🙂'],
    length: 8000,
    run: input => quietly(() => checkKey(input)),
  },
  {
    title: 'settings of Atmos',
    parts: ['1', '_', ',', ' ', '{', '[', '"a":', 'a', '-', 'true', ':', '/', '=', '.'],
    length: 20_000,
    run(input) {
      for (const setting of Object.values<Setting<unknown>>(atmosSettings)) quietly(() => setting.parse(input))
    },
  },
]
