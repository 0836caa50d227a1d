import { NodeClient, type NodeClientOptions } from '../http/node-client.ts'
import type { HttpClient } from '../http/request.ts'
import type { CommonOptions } from '../storage/common-settings.ts'
import type { Services } from '../storage/types.ts'
import type { ConnectionOptions } from './options.ts'

/**
 * The client that sends the requests of one storage: the client of its services, which `close` leaves open, or else a new client with the
 * options. Does no I/O. A bad proxy address is `improperly_configured`.
 */
export function httpClientOf(
  options: ConnectionOptions & Pick<CommonOptions, 'timeoutSecs'> & Pick<NodeClientOptions, 'clientCert' | 'connectTo'>,
  { httpClient, env = process.env }: Services,
): HttpClient {
  if (httpClient !== undefined) return lent(httpClient)
  const { verify, proxies, clientCert, connectTo, maxSockets, connectTimeoutSecs, timeoutSecs } = options
  return new NodeClient({
    proxies,
    env,
    verify,
    clientCert,
    connectTo,
    connectTimeoutSecs,
    idleTimeoutSecs: timeoutSecs ?? 0,
    maxSockets: maxSockets ?? undefined,
  })
}

function lent(client: HttpClient): HttpClient {
  return {
    request: (request, ctx) => client.request(request, ctx),
    close: async () => undefined,
    get secrets() {
      return client.secrets
    },
  }
}
