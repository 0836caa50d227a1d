/** The steps of Nimbus.io, and the strict server as a ground for faults. */
import { NodeClient } from '../../../src/http/node-client.ts'
import { faultsOf, type NamedFault } from '../../faults/case.ts'
import { FORBIDDEN } from '../../faults/faults.ts'
import type { Ground } from '../../faults/ground.ts'
import type { FaultRule, ProxiedRequest } from '../../servers/fault-proxy.ts'
import { newId } from '../../servers/strict-nimbus/store.ts'
import { type StrictNimbus, startStrictNimbus } from '../../servers/strict-nimbus.ts'
import { at, driverFor, KIB_64, storageWith } from './support.ts'

export type StepName = keyof typeof STEPS

/** Bytes of a part. */
export const PART: number = KIB_64 / 2

const asks = (method: string, form: RegExp) => (request: ProxiedRequest) =>
  request.method === method && form.test(request.url)
const isPart2 = asks('POST', /[?&]conjoined_part=2(&|$)/)

/** Which requests a step consists of. */
const STEPS = {
  start: asks('POST', /\?action=start$/),
  'part 2': isPart2,
  finish: asks('POST', /\?action=finish&/),
  abort: asks('POST', /\?action=abort&/),
  state: asks('GET', /^\/conjoined\/\?/),
  archive: asks('POST', /^\/data\/(?!.*conjoined_)/),
  read: asks('GET', /^\/data\/[^?]+(?!.*action=meta)$/),
  head: request => request.method === 'HEAD',
  meta: asks('GET', /\?action=meta$/),
  list: asks('GET', /^\/data\/\?/),
  delete: request => request.method === 'DELETE',
} satisfies Record<string, (request: ProxiedRequest) => boolean>

/** Every fault but lies. The service asks for patience by a 503, as it says that it is in trouble. */
export const FAULTS: readonly NamedFault[] = faultsOf({})

/** Lets an upload in parts fail for good, so that it is ended. */
export const refusedPart: FaultRule = request => (isPart2(request) ? FORBIDDEN : undefined)

/** The server as a ground. */
export async function startGround(): Promise<
  Ground<StepName> & { readonly server: StrictNimbus; close(): Promise<void> }
> {
  const server = await startStrictNimbus()
  const finishing = new Set<string>()
  const finish: (typeof STEPS)['finish'] = request => {
    if (!STEPS.finish(request)) return false
    finishing.add(request.url.slice(request.url.lastIndexOf('=') + 1))
    return true
  }
  return {
    server,
    url: server.url,
    steps: { ...STEPS, finish },
    // A file without metadata has `[]`, which is shorter than what is left of a body that is cut.
    bodyless: ['head', 'meta'],
    storage(url, { timeoutSecs, maxAttempts }) {
      const port = Number(new URL(url).port)
      const httpClient = new NodeClient({ idleTimeoutSecs: timeoutSecs, connectTo: '127.0.0.1' })
      const driver = driverFor(server, { port, httpClient, listSizes: false, multipartThreshold: PART, partSize: PART })
      return storageWith({ ...at(server), port, timeoutSecs, maxAttempts }, { driver })
    },
    put: async (key, body) => {
      server.collection().put(key, { version: newId(), body, archivedAt: Date.now(), meta: {} })
    },
    stored: async key => server.collection().current(key)?.body,
    // One of which nobody has the identifier, since the answer to its start was lost, holds no bytes. One whose end may be on its way is left, and the
    // error names it: an abort that comes after the end would hide the file.
    openUploads: async prefix => {
      const open = server.collection().openConjoined.filter(({ id, parts }) => parts.size > 0 && !finishing.has(id))
      return open.map(({ key }) => key).filter(key => key.startsWith(prefix))
    },
    close: () => server.close(),
  }
}
