import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { configure, loadConfig, storages } from 'holdall'
import { toNodeListener } from 'holdall/serve'
import { createApp } from './app.ts'
import { openDatabase } from './database.ts'
import { Resumes } from './resumes.ts'

/** Where the application listens, and where its database is. */
export interface ServerOptions {
  readonly port: number
  readonly host: string
  /** Folder of the database; a relative one starts from this folder. */
  readonly data: string
  readonly allowedHosts?: readonly string[] | undefined
}

/** A running application. */
export interface Running {
  readonly url: string
  close(): Promise<void>
}

/** An upload may take long; Node's own limit is five minutes for a whole request. */
const MAX_REQUEST_MS = 60 * 60 * 1000

/** Starts the application with the settings of `holdall.config.ts`, `.env` and the environment. */
export async function startServer({ port, host, data, allowedHosts }: ServerOptions): Promise<Running> {
  const { settings, file } = await loadConfig({ cwd: import.meta.dirname })
  configure(settings, { base: file })
  const resumes = new Resumes(openDatabase(data))
  const app = createApp(resumes, { allowedHosts })
  const running = new Set<Promise<Response>>()
  const listener = toNodeListener(request => {
    const answer = app(request).finally(() => running.delete(answer))
    running.add(answer)
    return answer
  })
  const server = createServer({ requestTimeout: MAX_REQUEST_MS }, listener)
  await once(server.listen(port, host), 'listening')
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}/`,
    async close() {
      const closed = new Promise(done => server.close(done))
      server.closeAllConnections()
      await closed
      // Uploads that were cut off clean up after themselves.
      await Promise.allSettled(running)
      await storages.closeAll()
      resumes.close()
    },
  }
}
