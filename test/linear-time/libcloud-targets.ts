import { findEntry } from '../../src/backends/libcloud/entry.ts'
import { entrySettings } from '../../src/backends/libcloud/entry-settings.ts'
import { LibCloudStorage } from '../../src/backends/libcloud/index.ts'
import { RECIPES } from '../../src/backends/libcloud/recipes.ts'
import { Terms } from '../../src/backends/libcloud/terms.ts'
import { StorageError } from '../../src/core/errors.ts'
import type { Setting } from '../../src/core/settings.ts'
import { quietly, type Target } from './target.ts'

const entry = { type: 'S3', user: 'AKID', key: 'key', bucket: 'media' }
const terms = new Terms(findEntry({ only: entry }, 'only'), RECIPES.s3)

/** Entries of `LIBCLOUD_PROVIDERS`, and what services say in errors. */
export const ofLibcloud: readonly Target[] = [
  {
    title: 'messages that name settings',
    parts: ['AWS_STORAGE_BUCKET_NAME', 'A', '_', 'a', 'bucketName', ' (', ')', ' ', "'", '/', '.', ', ', '\n'],
    run: input => [terms.error(new StorageError('unknown', input)), terms.problem(new Error(input))],
  },
  {
    title: 'hosts, paths and types of entries',
    parts: ['a', '.', '-', ':', '1', '[', ']', '/', '%', 'http://', ' ', '_', '.blob.core.windows.net'],
    length: 8000,
    run(input) {
      for (const setting of Object.values<Setting<unknown>>(entrySettings)) quietly(() => setting.parse(input))
      for (const more of [{ host: input }, { host: 'h.test', path: input }, { type: input }, { region: input }]) {
        const settings = { LIBCLOUD_PROVIDERS: { only: { ...entry, secure: false, ...more } } }
        quietly(() => new LibCloudStorage('only', { settings, env: {} }))
      }
    },
  },
]
