import { azureSink } from '../../servers/azure-sink.ts'
import type { BoundedGround } from '../../support/bounded-uploads.ts'
import { storageFor } from './strict-storage.ts'

export const ground: BoundedGround = {
  service: azureSink,
  url: sink => `${sink.url}/sink`,
  module: import.meta.filename,
  concurrency: 3,
  storage({ url, part, concurrency }) {
    const sizes = { partSize: part, multipartThreshold: part, uploadConcurrency: concurrency }
    return storageFor({ endpoint: url, account: 'sink', accountKey: 'c2VjcmV0' }, sizes)
  },
}
