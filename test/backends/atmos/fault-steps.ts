/** The steps of Atmos, and the strict server as a ground for faults. */
import { createHash } from 'node:crypto'
import { NodeClient } from '../../../src/http/node-client.ts'
import { faultsOf, type NamedFault } from '../../faults/case.ts'
import { FORBIDDEN } from '../../faults/faults.ts'
import type { Ground } from '../../faults/ground.ts'
import type { FaultRule, ProxiedRequest } from '../../servers/fault-proxy.ts'
import { busy, type StrictAtmos, startStrictAtmos } from '../../servers/strict-atmos.ts'
import { at, CONTAINER, driverFor, KIB_64, storageWith } from './support.ts'

export type StepName = keyof typeof STEPS

/** Bytes of a part. */
export const PART: number = KIB_64 / 2

const isTemporary = ({ url }: ProxiedRequest): boolean => url.includes('/.holdall-')
const asks = (method: string, aspect: string) => (request: ProxiedRequest) =>
  request.method === method && request.url.endsWith(aspect)
const part = (number: number) => (request: ProxiedRequest) =>
  request.method === 'PUT' && request.headers['range']?.startsWith(`bytes=${(number - 1) * PART}-`) === true
const isFolder = ({ url }: ProxiedRequest): boolean => url.endsWith('/')

/** Which requests a step consists of. */
const STEPS = {
  create: request => request.method === 'POST' && isTemporary(request) && !request.url.includes('?'),
  'part 2': part(2),
  'last part': part(3),
  tag: asks('POST', '?metadata/user'),
  rename: asks('POST', '?rename'),
  /** The look at what bears the name, and at any other file. */
  head: request => request.method === 'HEAD' && !isTemporary(request),
  size: request => request.method === 'HEAD' && isTemporary(request),
  end: request => request.method === 'DELETE' && isTemporary(request),
  read: request => request.method === 'GET' && !isFolder(request) && !request.url.includes('?'),
  list: request => request.method === 'GET' && isFolder(request),
  delete: request => request.method === 'DELETE' && !isTemporary(request),
} satisfies Record<string, (request: ProxiedRequest) => boolean>

/** The steps whose answers have no body: cut off after their head they are whole. */
const BODYLESS: readonly StepName[] = [
  'create',
  'part 2',
  'last part',
  'tag',
  'rename',
  'head',
  'size',
  'end',
  'delete',
]

/** Every fault but lies, with the service's own way to ask for fewer requests. */
export const FAULTS: readonly NamedFault[] = faultsOf({ busy: busy() })

const isPart2 = part(2)
/** Loses the second part of an upload each time. */
export const lostPart: FaultRule = request => (isPart2(request) ? { do: 'drop' } : undefined)
/** Lets an upload in parts fail for good, so that it is ended. */
export const refusedPart: FaultRule = request => (isPart2(request) ? FORBIDDEN : undefined)

/** The server as a ground. */
export async function startGround(): Promise<
  Ground<StepName> & { readonly server: StrictAtmos; close(): Promise<void> }
> {
  const server = await startStrictAtmos()
  const { credentials } = server
  return {
    server,
    url: server.url,
    steps: STEPS,
    bodyless: BODYLESS,
    storage(url, { timeoutSecs, maxAttempts }) {
      const httpClient = new NodeClient({ idleTimeoutSecs: timeoutSecs })
      const driver = driverFor({ url, credentials }, { httpClient, partSize: PART })
      return storageWith({ ...at({ url, credentials }), timeoutSecs, maxAttempts }, { driver })
    },
    async put(key, bytes) {
      const hex = createHash('sha1').update(bytes).digest('hex')
      server.tree.put(`${CONTAINER}/${key}`, credentials.uid, bytes, { algorithm: 'SHA1', hex })
    },
    stored: async key => server.tree.body(`${CONTAINER}/${key}`),
    async openUploads(prefix) {
      const folder = server.tree.find(`${CONTAINER}/${prefix.replace(/\/$/, '')}`)
      const paths = folder?.type === 'directory' ? server.tree.paths(folder) : []
      return paths.filter(path => path.startsWith('.holdall-'))
    },
    close: () => server.close(),
  }
}
