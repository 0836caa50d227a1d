/** An Atmos server that keeps nothing: it takes objects in ranges and gives them names. */
import type { IncomingMessage } from 'node:http'
import { type Sink, type SinkOptions, type SinkService, startSink } from './sink.ts'

const OBJECT_ID = 'ab'.repeat(22)

/** Bytes so far of each temporary object, and of what was named last. */
function serviceOf(): SinkService {
  const sizes = new Map<string, number>()
  let named = 0
  const isPart = ({ url = '', method }: IncomingMessage): boolean =>
    (method === 'POST' || method === 'PUT') && !url.includes('?')
  return {
    isPart,
    answer(request, response, size) {
      const { url = '', method } = request
      const path = url.replace(/\?.*/, '')
      if (isPart(request)) {
        sizes.set(path, (method === 'PUT' ? (sizes.get(path) ?? 0) : 0) + size)
        const location = method === 'POST' ? { location: `/rest/objects/${OBJECT_ID}` } : {}
        response.writeHead(method === 'POST' ? 201 : 200, { ...location, 'x-emc-delta': String(size) }).end()
        return false
      }
      const isRename = url.endsWith('?rename')
      if (isRename) named = sizes.get(path) ?? 0
      const tags = `type=regular, objectid=${OBJECT_ID}, size=${named}`
      response.writeHead(200, { 'x-emc-meta': tags, 'x-emc-policy': 'default' }).end()
      return isRename
    },
  }
}

/** Starts a sink on a free loopback port. */
export function startAtmosSink(options?: SinkOptions): Promise<Sink> {
  return startSink(serviceOf(), options)
}
