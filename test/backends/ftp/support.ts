import { FtpStorage } from '../../../src/backends/ftp/index.ts'
import type { FtpOptions } from '../../../src/backends/ftp/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { FtpServer, type FtpServerOptions } from '../../servers/ftp.ts'

/** A storage of a folder of a server. */
export function storageFor(
  server: FtpServer,
  { path = '', scheme, ...options }: Input<FtpOptions> & { path?: string; scheme?: string } = {},
): FtpStorage {
  return new FtpStorage({ location: server.url(path, scheme), ...options }, { settings: {}, env: {} })
}

/** A server of one test, with a storage of all of its files. */
export interface Place extends AsyncDisposable {
  readonly server: FtpServer
  readonly files: FtpStorage
}

/** Starts a server for one test. */
export async function startPlace(
  manners: FtpServerOptions = {},
  options: Parameters<typeof storageFor>[1] = {},
): Promise<Place> {
  const server = await FtpServer.start(manners)
  const files = storageFor(server, options)
  return {
    server,
    files,
    async [Symbol.asyncDispose]() {
      await files.close()
      await server.close()
    },
  }
}

/** Everything that is listed. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}
