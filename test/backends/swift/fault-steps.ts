/** The steps of Swift, and the strict server as a ground for faults. */
import { createHash } from 'node:crypto'
import type { SwiftOptions } from '../../../src/backends/swift/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { faultsOf, type NamedFault } from '../../faults/case.ts'
import { FORBIDDEN } from '../../faults/faults.ts'
import type { Ground } from '../../faults/ground.ts'
import type { FaultRule, ProxiedRequest } from '../../servers/fault-proxy.ts'
import { type StrictSwift, type StrictSwiftOptions, startStrictSwift, TEMPAUTH } from '../../servers/strict-swift.ts'
import { PART, SMALL_PARTS, storageWith } from './support.ts'

export { PART }

export type StepName = keyof typeof STEPS

const OBJECTS = /^\/v1\/AUTH_\w+\/media\/[^?]/
const SEGMENTS = /^\/v1\/AUTH_\w+\/media_segments\/[^?]/
const isCopy = ({ headers }: ProxiedRequest): boolean => headers['x-copy-from'] !== undefined
const object = (method: string) => (request: ProxiedRequest) => request.method === method && OBJECTS.test(request.url)
const segment = (number: number) => (request: ProxiedRequest) =>
  request.method === 'PUT' && SEGMENTS.test(request.url) && request.url.endsWith(String(number).padStart(8, '0'))
const isManifest = (request: ProxiedRequest): boolean =>
  object('PUT')(request) &&
  (request.url.includes('multipart-manifest=put') || request.headers['x-object-manifest'] !== undefined)

/** Which requests a step consists of. */
const STEPS = {
  info: request => request.url === '/info',
  head: object('HEAD'),
  put: request => object('PUT')(request) && !isManifest(request) && !isCopy(request),
  copy: request => object('PUT')(request) && isCopy(request),
  'part 1': segment(1),
  'part 2': segment(2),
  'last part': segment(3),
  manifest: isManifest,
  'manifest get': request => object('GET')(request) && request.url.includes('multipart-manifest=get'),
  'delete segment': request => request.method === 'DELETE' && SEGMENTS.test(request.url),
  read: request => object('GET')(request) && !request.url.includes('?'),
  list: request => request.method === 'GET' && /^\/v1\/AUTH_\w+\/media\?/.test(request.url),
  delete: object('DELETE'),
  'segments head': request => request.method === 'HEAD' && /^\/v1\/AUTH_\w+\/media_segments$/.test(request.url),
  bulk: request => request.method === 'POST' && request.url.includes('bulk-delete'),
} satisfies Record<string, (request: ProxiedRequest) => boolean>

/** The steps whose answers have no body: cut off after their head they are whole. */
const BODYLESS: readonly StepName[] = [
  ...(['head', 'put', 'copy', 'part 1', 'part 2', 'last part', 'manifest', 'delete segment', 'delete'] as const),
  'segments head',
]

/** Every fault but lies. */
export const FAULTS: readonly NamedFault[] = faultsOf({})

const isPart2 = segment(2)
/** Lets an upload in parts fail for good, so that its segments are deleted. */
export const refusedPart: FaultRule = request => (isPart2(request) ? FORBIDDEN : undefined)

/** The bytes of an object, whatever it is made of. */
function bytesOf(server: StrictSwift, key: string): Buffer | undefined {
  const found = server.object(key)
  if (found?.slo !== undefined) {
    return Buffer.concat(found.slo.segments.map(({ name }) => segmentAt(server, name)))
  }
  if (found?.manifest === undefined) return found?.bytes
  const prefix = decodeURIComponent(found.manifest)
  const all = [...server.container('media_segments').objects.keys()]
  const segments = all.filter(name => `media_segments/${name}`.startsWith(prefix)).sort()
  return Buffer.concat(segments.map(name => segmentAt(server, `/media_segments/${name}`)))
}

function segmentAt(server: StrictSwift, path: string): Buffer {
  const [, container = '', ...rest] = path.split('/')
  return server.object(rest.join('/'), container)?.bytes ?? Buffer.from('a missing segment')
}

/** The uploads below some folders of which segments are left that no manifest of these objects refers to: `.holdall/<hash of the object>/<upload>`. */
function orphans(server: StrictSwift, keys: readonly string[]): string[] {
  const used = keys.flatMap(key => {
    const { slo, manifest } = server.object(key) ?? {}
    if (slo !== undefined) return slo.segments.map(each => each.name)
    return manifest === undefined ? [] : [`/${decodeURIComponent(manifest)}`]
  })
  const folders = keys.map(folderOf)
  const segments = [...server.container('media_segments').objects.keys()]
  const left = segments
    .filter(name => folders.some(folder => name.startsWith(folder)))
    .filter(name => !used.some(path => `/media_segments/${name}`.startsWith(path)))
  return [...new Set(left.map(name => name.slice(0, name.lastIndexOf('/'))))]
}

/** The folder of the segments of an object. */
export function folderOf(key: string): string {
  return `.holdall/${createHash('sha256').update(`media/${key}`).digest('hex').slice(0, 32)}/`
}

/** How what is stored is looked up without the proxy. */
export type Behind = Pick<Ground<StepName>, 'put' | 'stored' | 'openUploads'>

/** A server as a ground: `optionsAt` gives the options of a storage that reaches it by way of a URL. */
export function groundOf(
  server: { readonly url: string },
  optionsAt: (url: string) => Input<SwiftOptions>,
  behind: Behind,
): Ground<StepName> {
  return {
    url: server.url,
    steps: STEPS,
    bodyless: BODYLESS,
    storage(url, patience) {
      const options = { ...SMALL_PARTS, ...optionsAt(url), ...patience }
      // With a driver of its own a storage can be closed twice, and waits both times.
      return storageWith(options, { driver: storageWith(options).calls.driver })
    },
    ...behind,
  }
}

/** A strict server as a ground. */
export async function startGround(
  options: StrictSwiftOptions = {},
): Promise<Ground<StepName> & { readonly server: StrictSwift; close(): Promise<void> }> {
  const server = await startStrictSwift({ containers: ['media', 'media_segments'], ...options })
  const token = server.token()
  const behind: Behind = {
    put: async (key, bytes) => void server.put(key, bytes),
    stored: async key => bytesOf(server, key),
    openUploads: async prefix => {
      const stored = [...server.container().objects.keys()].filter(key => key.startsWith(prefix))
      return orphans(server, [...new Set([`${prefix}new`, ...stored])])
    },
  }
  const ground = groundOf(server, url => ({ token, storageUrl: `${url}/v1/${TEMPAUTH.account}` }), behind)
  return { ...ground, server, close: () => server.close() }
}
