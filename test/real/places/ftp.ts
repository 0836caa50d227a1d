import { FtpStorage } from '../../../src/backends/ftp/index.ts'
import type { FtpOptions as StorageOptions } from '../../../src/backends/ftp/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { FtpServer } from '../../servers/ftp-server.ts'
import type { FileServer } from './file-server.ts'

/** What a user of an FTP server sets: its URL with the folder, and whom to trust. */
export function ftpOptions(
  { url, port, tls, certPath }: FtpServer,
  location = '',
  proxyPort = port,
): Input<StorageOptions> {
  const base = `${url.replace(`:${port}`, `:${proxyPort}`)}/files`
  const how = tls === 'none' ? {} : { tls, verify: certPath }
  return { location: location === '' ? base : `${base}/${encodeURI(location)}`, ...how }
}

/** A storage on the server. */
export function ftpStorage(
  server: FtpServer,
  { location, ...options }: Input<StorageOptions> = {},
  port?: number,
): FtpStorage {
  return new FtpStorage({ ...ftpOptions(server, location, port), ...options }, { settings: {}, env: {} })
}

/** The server as the tests of file servers see it. */
export function ftpPlace(server: FtpServer): FileServer {
  return { server, storage: (options, port) => ftpStorage(server, options, port) }
}
