/** The manual's "Push the objects into the cache" on a real Redis. */
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import { afterAll } from 'vitest'
import { cacheTests } from '../fields/cache-transcript.ts'
import { startRedis } from '../servers/redis.ts'

const server = await startRedis()
const keyv = new Keyv({ store: new KeyvRedis(server.url), throwOnErrors: true })
afterAll(async () => {
  await keyv.disconnect()
  await server.close()
})

cacheTests(() => keyv)
