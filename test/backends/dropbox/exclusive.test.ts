import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import { describeExclusiveSaves, emptyAndClose } from '../../real/backend.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, MIB_4, storageWith } from './support.ts'

const server = await startStrictDropbox()
const options = { ...at(server), maxAttempts: 4, multipartThreshold: MIB_4, partSize: MIB_4 }
afterAll(() => server.close())
afterEach(() => emptyAndClose(storageWith(options)))

describeExclusiveSaves({
  module: join(import.meta.dirname, '../../../src/backends/dropbox/index.ts'),
  className: 'DropboxStorage',
  options,
  sizes: { 'in one request': 5000 },
  storage: () => storageWith(options),
})
