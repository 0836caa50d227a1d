/** A Cloudflare Worker that saves and reads files in memory, and on S3 over `fetch`. Both storages serve all requests. */
import { env } from 'cloudflare:workers'
import { fetchClient } from 'holdall/http'
import { MemoryStorage } from 'holdall/memory'
import { S3Storage } from 'holdall/s3'
import { saved } from '../bundlers/saved.mjs'

const { S3_ENDPOINT: endpointUrl, S3_KEY: accessKey, S3_SECRET: secretKey } = env
const memory = new MemoryStorage({ fileOverwrite: true })
const options = { endpointUrl, accessKey, secretKey, bucketName: 'media', regionName: 'us-east-1', fileOverwrite: true }
const s3 = new S3Storage(options, { httpClient: fetchClient() })

export default {
  async fetch() {
    return Response.json({ memory: await saved(memory), s3: await saved(s3) })
  },
}
