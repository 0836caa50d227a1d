/** The steps of Dropbox, and the strict server as a ground for faults. */
import { NodeClient } from '../../../src/http/node-client.ts'
import { faultsOf, type NamedFault } from '../../faults/case.ts'
import type { Ground } from '../../faults/ground.ts'
import type { FaultRule, ProxiedRequest } from '../../servers/fault-proxy.ts'
import { rateLimited, type StrictDropbox, startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { driverFor, hostsAt, KIB_64, storageWith } from './support.ts'

export type StepName = keyof typeof STEPS

/** Bytes of a part. */
export const PART: number = KIB_64

const calls = (path: string) => (request: ProxiedRequest) => request.url === path
const isAppend = calls('/content/2/files/upload_session/append_v2')
const offsetOf = ({ headers }: ProxiedRequest): unknown => {
  const { cursor } = JSON.parse(String(headers['dropbox-api-arg'])) as { cursor: { offset: number } }
  return cursor.offset
}
/** Nothing is appended to learn where the session is. */
const isLook = ({ headers }: ProxiedRequest): boolean => headers['content-length'] === '0'
const isPart2: (request: ProxiedRequest) => boolean = request =>
  isAppend(request) && !isLook(request) && offsetOf(request) === PART

/** Which requests a step consists of. */
const STEPS = {
  start: calls('/content/2/files/upload_session/start'),
  'part 2': isPart2,
  look: request => isAppend(request) && isLook(request),
  finish: calls('/content/2/files/upload_session/finish'),
  upload: calls('/content/2/files/upload'),
  copy: calls('/api/2/files/copy_v2'),
  download: calls('/content/2/files/download'),
  get: calls('/api/2/files/get_metadata'),
  list: calls('/api/2/files/list_folder'),
  delete: calls('/api/2/files/delete_v2'),
  batch: calls('/api/2/files/delete_batch'),
  check: calls('/api/2/files/delete_batch/check'),
} satisfies Record<string, (request: ProxiedRequest) => boolean>

/** Every fault but lies, with the service's own ways to ask for fewer requests. */
export const FAULTS: readonly NamedFault[] = faultsOf({
  too_many_write_operations: rateLimited({ reason: 'too_many_write_operations', header: 1 }),
})

/** Loses the second part of an upload each time. */
export const lostPart: FaultRule = request => (isPart2(request) ? { do: 'drop' } : undefined)

/** The server as a ground. */
export async function startGround(): Promise<
  Ground<StepName> & { readonly server: StrictDropbox; close(): Promise<void> }
> {
  const server = await startStrictDropbox()
  const oauth2AccessToken = server.token()
  return {
    server,
    url: server.url,
    steps: STEPS,
    bodyless: [],
    storage(url, { timeoutSecs, maxAttempts }) {
      const httpClient = new NodeClient({ idleTimeoutSecs: timeoutSecs })
      const hosts = hostsAt(url)
      const driver = driverFor(server, { ...hosts, httpClient })
      return storageWith({ ...hosts, oauth2AccessToken, timeoutSecs, maxAttempts }, { driver })
    },
    put: async (key, bytes) => void server.put(key, bytes),
    stored: async key => server.file(key)?.revision.body,
    // A session that became no file is nobody's but the service's, which forgets it after seven days.
    openUploads: async () => [],
    close: () => server.close(),
  }
}
