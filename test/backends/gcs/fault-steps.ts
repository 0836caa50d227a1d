/** The steps of Cloud Storage, and the strict server as a ground for faults. */
import { GcsCredentials } from '../../../src/backends/gcs/credentials/credentials.ts'
import type { GcsDriverOptions } from '../../../src/backends/gcs/driver.ts'
import { gcsEndpoint } from '../../../src/backends/gcs/endpoint.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { NodeClient } from '../../../src/http/node-client.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { faultsOf, type NamedFault } from '../../faults/case.ts'
import { FORBIDDEN } from '../../faults/faults.ts'
import type { Ground } from '../../faults/ground.ts'
import type { FaultRule, ProxiedRequest } from '../../servers/fault-proxy.ts'
import { rateLimitedAnswer, type StrictGcs, startStrictGcs } from '../../servers/strict-gcs.ts'
import { driverFor, hmacKey, KIB_256, storageWith } from './support.ts'

export type StepName = keyof typeof STEPS

/** Bytes of a part: the least that there is. */
export const PART: number = KIB_256

const has = ({ url }: ProxiedRequest, text: string): boolean => url.includes(text)
const isSession = (request: ProxiedRequest): boolean => request.method === 'PUT' && has(request, 'upload_id=')
const part = (number: number) => (request: ProxiedRequest) =>
  isSession(request) && request.headers['content-range']?.startsWith(`bytes ${(number - 1) * PART}-`) === true

/** Which requests a step consists of. */
const STEPS = {
  start: request => request.method === 'POST' && (has(request, 'uploadType=resumable') || isXmlStart(request)),
  'part 1': part(1),
  'part 2': part(2),
  'last part': part(3),
  status: request => isSession(request) && request.headers['content-range']?.startsWith('bytes */') === true,
  cancel: request => request.method === 'DELETE' && has(request, 'upload_id='),
  insert: request => request.method === 'POST' && has(request, 'uploadType=multipart'),
  rewrite: request => request.method === 'POST' && has(request, '/rewriteTo/'),
  'XML put': request => request.method === 'PUT' && !has(request, '?'),
  read: request => request.method === 'GET' && request.url.startsWith('/media/'),
  get: request => request.method === 'GET' && request.url.startsWith('/storage/v1/b/media/o/'),
  list: request => request.method === 'GET' && request.url.startsWith('/storage/v1/b/media/o?'),
  delete: request => request.method === 'DELETE' && !has(request, 'upload_id='),
  batch: request => request.method === 'POST' && request.url.startsWith('/batch/'),
} satisfies Record<string, (request: ProxiedRequest) => boolean>

function isXmlStart({ url, headers }: ProxiedRequest): boolean {
  return url.startsWith('/media/') && headers['x-goog-resumable'] === 'start'
}

/** The steps whose answers have no body: cut off after their head they are whole. */
const BODYLESS: readonly StepName[] = ['start', 'part 1', 'part 2', 'status', 'cancel', 'XML put', 'delete']

/** Every fault but lies, with the service's own way to ask for fewer requests. */
export const FAULTS: readonly NamedFault[] = faultsOf({ rateLimitExceeded: rateLimitedAnswer() })

const isPart2 = part(2)
/** Loses the second part of an upload each time. */
export const lostPart: FaultRule = request => (isPart2(request) ? { do: 'drop' } : undefined)
/** Lets an upload in parts fail for good, so that it is ended. */
export const refusedPart: FaultRule = request => (isPart2(request) ? FORBIDDEN : undefined)

/** The server as a ground, by the JSON API, or by the XML API with an HMAC key. */
function strictGround(server: StrictGcs, kind: 'json' | 'xml'): Ground<StepName> & { close(): Promise<void> } {
  const direct = driverFor(server)
  // One token is for all: no step is about tokens.
  const credentials = new GcsCredentials(server.keyFile(), {}, new NodeClient())
  const own: Partial<GcsDriverOptions> = kind === 'xml' ? hmacKey(server, 'GOOG4') : {}
  return {
    url: server.url,
    steps: STEPS,
    bodyless: kind === 'xml' ? [...BODYLESS, 'last part'] : BODYLESS,
    storage(url, { timeoutSecs, maxAttempts }) {
      const httpClient = new NodeClient({ idleTimeoutSecs: timeoutSecs })
      const driver = driverFor(server, {
        endpoint: gcsEndpoint(url, undefined),
        credentials,
        multipartThreshold: PART,
        partSize: PART,
        httpClient,
        ...own,
      })
      return storageWith({ endpointUrl: url, timeoutSecs, maxAttempts }, { driver })
    },
    put: async (key, bytes) => {
      await direct.write(key, bytesContent(bytes), {}, plainContext())
    },
    stored: async key => server.bucket().live(key)?.body,
    // A session of which nobody has the address, since the answer to its start was lost, holds no bytes and ends by itself.
    openUploads: async prefix => {
      const held = server.sessions.open.filter(({ size }) => size > 0)
      return held.map(({ name }) => name).filter(name => name.startsWith(prefix))
    },
    close: () => direct.close(),
  }
}

/** One strict server as two grounds. */
export async function startGrounds(): Promise<{
  readonly server: StrictGcs
  readonly json: Ground<StepName>
  readonly xml: Ground<StepName>
  close(): Promise<void>
}> {
  const server = await startStrictGcs({ rewriteBytes: PART })
  const json = strictGround(server, 'json')
  const xml = strictGround(server, 'xml')
  async function close(): Promise<void> {
    await Promise.all([json.close(), xml.close()])
    await server.close()
  }
  return { server, json, xml, close }
}
