import { gcsSink } from '../../servers/gcs-sink.ts'
import type { BoundedGround } from '../../support/bounded-uploads.ts'
import { storageWith } from './support.ts'

export const ground: BoundedGround = {
  service: gcsSink,
  module: import.meta.filename,
  // A session takes one part after the other.
  concurrency: 1,
  slack: 1.5 * 1024 * 1024,
  least: 2.5 * 1024 * 1024,
  storage: ({ url, part }) =>
    storageWith({ endpointUrl: url, credentials: 'anonymous', blobChunkSize: part, multipartThreshold: part }),
}
