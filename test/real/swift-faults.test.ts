/** The steps of an upload in segments to OpenStack Swift, each with the faults of the proxy; what is left is seen by plain requests. */
import { afterAll } from 'vitest'
import type { SwiftOptions } from '../../src/backends/swift/index.ts'
import type { Input } from '../../src/core/settings.ts'
import {
  type Behind,
  FAULTS,
  folderOf,
  groundOf,
  PART,
  refusedPart,
  type StepName,
} from '../backends/swift/fault-steps.ts'
import { distinctBytes, type Ground } from '../faults/ground.ts'
import { startSwift } from '../servers/swift.ts'
import { describeFaults } from './backend.ts'
import { namesIn, swiftStorage } from './places/swift.ts'

const server = await startSwift()
afterAll(() => server.close(), 60_000)
await using made = swiftStorage(server)
await made.createContainer()
const { token, storageUrl } = await server.login()

function object(method: string, key: string, body?: Buffer, query = ''): Promise<Response> {
  const path = key.split('/').map(encodeURIComponent).join('/')
  return fetch(`${storageUrl}/media/${path}${query}`, {
    method,
    headers: { 'x-auth-token': token },
    ...(body === undefined ? {} : { body }),
  })
}

/** The folders of segments that the manifest of the object does not name. */
async function orphans(key: string): Promise<string[]> {
  const folder = folderOf(key)
  const segments = (await namesIn(server, 'media_segments')).filter(name => name.startsWith(folder))
  if (segments.length === 0) return []
  const manifest = await object('GET', key, undefined, '?multipart-manifest=get')
  const isStatic = manifest.headers.get('x-static-large-object')?.toLowerCase() === 'true'
  const used = isStatic ? ((await manifest.json()) as { name: string }[]).map(({ name }) => name) : []
  return segments.filter(name => !used.includes(`/media_segments/${name}`))
}

const behind: Behind = {
  put: async (key, bytes) => {
    const { status } = await object('PUT', key, bytes)
    if (status !== 201) throw new Error(`PUT ${key}: ${status}`)
  },
  stored: async key => {
    const answer = await object('GET', key)
    const bytes = Buffer.from(await answer.arrayBuffer())
    return answer.status === 200 ? bytes : undefined
  },
  openUploads: async prefix => ((await orphans(`${prefix}new`)).length > 0 ? [`${prefix}new`] : []),
}

function groundWith(options: Input<SwiftOptions>): Ground<StepName> {
  return groundOf(server, url => ({ token, storageUrl: `${url}/v1/AUTH_test`, ...options }), behind)
}

const titles = ['drop before', 'drop after', '500', '500 after', 'repeat']
const looked: readonly StepName[] = ['manifest', 'put']

const faults = FAULTS.filter(({ title }) => titles.includes(title))
const large = distinctBytes(2 * PART + 40_000)

describeFaults(
  groundWith({}),
  [
    {
      title: 'a stream over an old file',
      steps: ['part 1', 'part 2', 'last part', 'manifest'],
      overwrite: true,
      looked,
    },
    {
      title: 'a new file',
      steps: ['part 1', 'manifest'],
      overwrite: false,
      looked,
    },
  ],
  faults,
  large,
)

describeFaults(
  // One segment at a time: a segment whose request is aborted may be stored or not, and then there is none to delete.
  groundWith({ uploadConcurrency: 1 }),
  [
    {
      title: 'the end of an upload that failed',
      steps: ['delete segment'],
      overwrite: true,
      looked,
      also: { rule: refusedPart, code: 'permission_denied' },
      ends: 'delete segment',
    },
  ],
  faults,
  large,
)
