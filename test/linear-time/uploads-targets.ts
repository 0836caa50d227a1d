import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { hasMissingValue } from '../../src/storage/upload-name.ts'
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
    title: 'the name of an uploaded file',
    parts: ['/', '\\', '.', ' ', 'a', 'undefined', 'é', '日', '_'],
    run(input) {
      clientName(storage, input)
      hasMissingValue(input, input.slice(0, 10), true)
    },
  },
]
