/** A Dropbox server that keeps nothing: it takes uploads in sessions. */
import type { IncomingMessage } from 'node:http'
import { type Sink, type SinkOptions, type SinkService, startSink } from './sink.ts'

interface SessionArg {
  readonly cursor?: { readonly offset: number }
  readonly commit?: { readonly path: string }
}

const isPart = ({ url = '' }: IncomingMessage): boolean => url.includes('/files/upload_session/')

const service: SinkService = {
  isPart,
  answer(request, response, size) {
    const { cursor, commit } = JSON.parse(String(request.headers['dropbox-api-arg'] ?? '{}')) as SessionArg
    const json = (value: unknown): void => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    if (commit === undefined) {
      json(cursor === undefined ? { session_id: 'sink' } : null)
      return false
    }
    const times = { client_modified: '2025-01-01T00:00:00Z', server_modified: '2025-01-01T00:00:00Z' }
    const about = { name: 'large', id: 'id:sink', path_display: commit.path, path_lower: commit.path, ...times }
    json({ ...about, rev: '0123456789', size: (cursor?.offset ?? 0) + size, is_downloadable: true })
    return true
  },
}

/** Starts a sink on a free loopback port. */
export function startDropboxSink(options?: SinkOptions): Promise<Sink> {
  return startSink(service, options)
}
