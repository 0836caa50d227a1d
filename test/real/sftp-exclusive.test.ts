import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import { startSshd } from '../servers/sshd.ts'
import { describeExclusiveSaves } from './backend.ts'
import { emptied } from './places/file-server.ts'
import { sshdOptions, sshdStorage } from './places/sshd.ts'

const server = await startSshd()
afterAll(() => server.close(), 60_000)
afterEach(() => emptied(server))

describeExclusiveSaves({
  module: join(import.meta.dirname, '../../src/backends/sftp/index.ts'),
  className: 'SftpStorage',
  options: sshdOptions(server),
  processes: 8,
  saves: 100,
  sizes: { 'of some KiB': 5000 },
  storage: () => sshdStorage(server),
})
