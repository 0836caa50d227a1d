import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { nodeCrypto } from '../../src/core/builtin.ts'
import { hasMissingValue } from '../../src/storage/upload-name.ts'
import { readUploadToken } from '../../src/storage/upload-token.ts'
import { clientName } from '../../src/uploads/client-name.ts'
import { parseDisposition, parseHeaderParams } from '../../src/uploads/header-params.ts'
import { boundaryOf } from '../../src/uploads/multipart.ts'
import { quietly, type Target } from './target.ts'

const storage = new MemoryStorage()

/** What clients write into the heads of a form and of its parts. */
export const ofUploads: readonly Target[] = [
  {
    title: 'the heads of a form',
    parts: [';', '=', '"', '\\', ' ', 'a', "'", '%41', '%', '*', 'filename*=', "UTF-8''", 'name=', '\xe9', '%22'],
    run(input) {
      parseHeaderParams(input)
      parseHeaderParams(`form-data; ${input}`)
      parseDisposition(`form-data; name="a"; filename="${input}`)
      parseDisposition(`form-data; name="a"; filename*=UTF-8''${input}`)
      quietly(() => boundaryOf(`multipart/form-data; ${input}`))
    },
  },
  {
    title: 'the token of an upload',
    parts: ['hu1.', 'hu2.', '.', 'e30', 'eyJhIjoxfQ', '_', '-', 'A', '=', ' ', '\n'],
    length: 20_000,
    run(input) {
      quietly(() => readUploadToken(input))
      quietly(() => readUploadToken(`hu1.${input}`))
      // With a right sum, the JSON is read.
      const text = JSON.stringify({ attributes: { metadata: { a: input } }, name: input, id: input })
      const payload = Buffer.from(text).toString('base64url')
      const sum = nodeCrypto().createHash('sha256').update(`hu1.${payload}`).digest('base64url').slice(0, 11)
      quietly(() => readUploadToken(`hu1.${payload}.${sum}`))
    },
  },
  {
    title: 'the name of an uploaded file',
    parts: ['/', '\\', '.', ' ', 'a', 'undefined', 'é', '日', '_'],
    run(input) {
      clientName(storage, input)
      hasMissingValue(input, input.slice(0, 10), true)
    },
  },
]
