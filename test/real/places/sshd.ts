import { SftpStorage } from '../../../src/backends/sftp/index.ts'
import type { SftpOptions } from '../../../src/backends/sftp/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { Sshd } from '../../servers/sshd.ts'
import type { FileServer } from './file-server.ts'

/** What a user of the server sets: host, folder, login and the file with the server's keys. */
export function sshdOptions(server: Sshd, location = '', port = server.port) {
  const { path, user: username, password, anyPort: knownHostFile } = server
  const params = { port, username, password, allowAgent: false, lookForKeys: false }
  return { host: '127.0.0.1', location: location === '' ? path : `${path}/${location}`, params, knownHostFile }
}

/** A storage on the server. */
export function sshdStorage(
  server: Sshd,
  { location, ...options }: Input<SftpOptions> = {},
  port?: number,
): SftpStorage {
  return new SftpStorage({ ...sshdOptions(server, location, port), ...options } as Input<SftpOptions>, {
    settings: {},
    env: {},
  })
}

/** The server as the tests of file servers see it. */
export function sshdPlace(server: Sshd): FileServer {
  return { server, storage: (options, port) => sshdStorage(server, options, port) }
}
