import v8 from 'node:v8'
import { Keyv } from 'keyv'
import { describe } from 'vitest'
import { type Cache, cacheTests } from './cache-transcript.ts'

/** A cache in this process, which keeps what `write` makes of a value. */
function mapCache<T>(write: (value: unknown) => T, read: (kept: T) => unknown): Cache {
  const kept = new Map<string, T>()
  return {
    set: async (key, value) => kept.set(key, write(value)),
    get: async key => (kept.has(key) ? read(kept.get(key)!) : undefined),
  }
}

/** Keyv does not throw what a value throws: it reports it, and then the set is void. */
function keyvCache(): Cache {
  return new Keyv({ throwOnErrors: true })
}

const caches: Readonly<Record<string, () => Cache>> = {
  'a Map with structuredClone': () => mapCache(structuredClone, structuredClone),
  'a Map with v8': () => mapCache(v8.serialize, v8.deserialize),
  'a Map with JSON': () => mapCache<string>(JSON.stringify, JSON.parse),
  'keyv in memory': keyvCache,
}

describe.each(Object.entries(caches))('%s', (_, make) => {
  const cache = make()
  cacheTests(() => cache)
})
