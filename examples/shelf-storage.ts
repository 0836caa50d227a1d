import * as holdall from 'holdall'
import type { HttpClient } from 'holdall/http'
import * as remote from 'holdall/remote'

/** Options of `ShelfStorage`. */
export interface ShelfOptions extends remote.ObjectOptions, remote.PartOptions, remote.ConnectionOptions {
  readonly endpointUrl: string
  readonly secret: string
}

/** Parameters of an upload, with their names in `objectParameters` and `extra`. */
const PARAMETERS = new remote.ParameterTable('a shelf', [
  ['CacheControl', 'cache-control'],
  ['KeepUntil', 'x-keep-until', 'iso-date'],
])
const METADATA = 'x-meta-'
/** Minimum size in bytes of all parts except the last. */
const MIN_PART = 65_536

const { word, text } = holdall.settingTypes
const settings: holdall.SettingsOf<ShelfOptions> = {
  ...holdall.commonSettings,
  location: remote.locationSetting(['SHELF_LOCATION']),
  endpointUrl: word({ default: 'http://shelf.test', keys: ['SHELF_URL'], role: 'destination', doc: 'Service URL.' }),
  secret: text({ default: '', keys: ['SHELF_SECRET'], secret: true, role: 'credential', doc: 'Secret for tokens.' }),
  ...remote.uploadSettings({ gzipContentTypes: ['GZIP_CONTENT_TYPES'] }, given => PARAMETERS.add({}, given)),
  ...remote.urlPolicySettings({ customDomain: ['SHELF_CDN'] }),
  ...remote.partSettings({ multipartThreshold: ['SHELF_THRESHOLD'], partSize: ['SHELF_PART_SIZE'] }, MIN_PART),
  ...remote.connectionSettings({ verify: ['SHELF_VERIFY'] }),
}

/** One request of the protocol; an answer other than `expected` is an error. `open`: sent without a token. */
interface ShelfRequest extends remote.ServiceRequest {
  readonly path: string
  readonly expected: remote.Expected
  readonly query?: remote.Query
  readonly headers?: Headers
  readonly open?: boolean
}
type Headers = Readonly<Record<string, string>>
type ShelfService = remote.Service<ShelfRequest, undefined>

const FILE: remote.Expected = { statuses: [200], headers: ['etag', 'last-modified'] }
const RANGE: remote.Expected = { ...FILE, statuses: [200, 206] }
const SENT: remote.Expected = { statuses: [201], headers: ['etag'] }
const GONE: remote.Expected = { statuses: [204] }
const LISTING: remote.Expected = { statuses: [200], lists: ['files', 'folders'] }

/** Error codes of the service that are more exact than the status. */
const CODES: remote.ServiceCodes = new Map([
  ['busy', 'throttled'],
  ['shelf_full', 'no_space'],
])
const classify = (error: unknown): holdall.ErrorCode | undefined => remote.classifyHttp(error, CODES)
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const fileAt = (key: string): string => `/files/${remote.encodeKey(key)}`

/** Tokens for the secret: loaded at the first request, and again before they expire. */
function tokensOf(secret: string, service: () => ShelfService) {
  const load = async () => {
    const expected = { statuses: [201], fields: ['token', 'expiresInSecs'] }
    const request = { method: 'POST', path: '/tokens', expected, body: JSON.stringify({ secret }), open: true }
    const { value } = await service().json<Record<string, unknown>>(request, remote.sharedContext())
    return { token: String(value['token']), expiresAt: new Date(Date.now() + Number(value['expiresInSecs']) * 1000) }
  }
  return new remote.Renewed(load, { endOf: ({ expiresAt }) => expiresAt })
}

/** Adds the address and a token to requests; errors are JSON: `{ "code": "no_such_file", "message": "..." }`. */
function serviceOf({ endpointUrl, secret }: ShelfOptions, http: HttpClient): ShelfService {
  const { scheme, host, path: base } = remote.serviceEndpoint(endpointUrl, 'SHELF_URL')
  const tokens = tokensOf(secret, () => service)
  const service = new remote.Service<ShelfRequest, undefined>(
    {
      expected: ({ expected }) => expected,
      async prepare({ method, path, query, body, headers, open }, _known, { signal }) {
        const credential = open ? undefined : await tokens.get(signal)
        const authorization = credential && { authorization: `Bearer ${credential.token}` }
        const url = `${scheme}://${host}${base}${path}${query === undefined ? '' : `?${remote.encodeQuery(query)}`}`
        const wire = { method, url, headers: { ...headers, ...authorization }, body }
        return { wire, hide: remote.hiding([secret, credential?.token]), credential }
      },
      async refuse(_request, { wire, hide }, answer) {
        const refusal = await remote.readRefusal(wire, answer)
        const [serviceCode, serviceMessage] = [textOf(refusal.json?.['code']), textOf(refusal.json?.['message'])]
        // A 404 that is not from the service does not mean a missing file.
        const seeksFile = serviceCode === 'no_such_file' || wire.method === 'HEAD'
        return new remote.HttpStatusError(wire, { ...refusal, serviceCode, serviceMessage, seeksFile, hide })
      },
      learn({ status }, known, _request, { credential }) {
        if (status !== 401 || credential === undefined) return undefined
        tokens.drop(credential)
        return { about: 'token', known }
      },
    },
    http,
    undefined,
  )
  return service
}

interface Target extends remote.UploadTarget {
  readonly headers: Headers
  readonly conditions: Headers
}
type Upload = { readonly target: Target; readonly id: string }
type Part = { readonly number: number; readonly etag: string | undefined }

/** Writes files by one PUT, or in parts. The header `x-upload` of a file contains the id of its upload. */
class ShelfParts implements remote.PartProtocol<Upload, Part, Target> {
  readonly limits: remote.PartLimits = { minPart: MIN_PART, maxParts: 10_000 }
  readonly #service: ShelfService
  constructor(service: ShelfService) {
    this.#service = service
  }
  async put({ key, headers, conditions }: Target, body: remote.Bytes, ctx: holdall.CallContext): Promise<undefined> {
    const request = { method: 'PUT', path: fileAt(key), expected: SENT, headers: { ...headers, ...conditions }, body }
    await this.#service.done(request, ctx)
  }
  async begin(target: Target, ctx: holdall.CallContext): Promise<Upload> {
    const expected = { statuses: [201], fields: ['id'] }
    const query = [['key', target.key]] as const
    const request = { method: 'POST', path: '/uploads', query, expected, headers: target.headers }
    const { value } = await this.#service.json<{ id: unknown }>(request, ctx)
    return { target, id: remote.encodeComponent(`${value.id}`) }
  }
  async part({ id }: Upload, { number, chunks }: remote.Piece, ctx: holdall.CallContext): Promise<Part> {
    const request = { method: 'PUT', path: `/uploads/${id}/${number}`, expected: SENT, body: chunks }
    return { number, etag: (await this.#service.done(request, ctx)).etag }
  }
  async finish({ id, target }: Upload, parts: readonly Part[], ctx: holdall.CallContext): Promise<undefined> {
    const [body, headers] = [JSON.stringify({ parts }), target.conditions]
    await this.#service.done({ method: 'POST', path: `/uploads/${id}`, expected: SENT, headers, body }, ctx)
  }
  async end({ id }: Upload, _state: unknown, ctx: holdall.CallContext): Promise<boolean> {
    const request = { method: 'DELETE', path: `/uploads/${id}`, expected: GONE }
    const ended = ctx.step('endUpload', true, step => this.#service.done(request, step))
    return ended.then(Boolean, error => this.isGone(error))
  }
  async fate({ id, target }: Upload, _: unknown, { error }: remote.FailedFinish, ctx: holdall.CallContext) {
    if (!this.isGone(error)) return 'open'
    const request = { method: 'HEAD', path: fileAt(target.key), expected: FILE }
    const headers = await ctx.step('stat', true, step => this.#service.done(request, step))
    return headers['x-upload'] === id ? 'done' : 'gone'
  }
  isGone(error: unknown): boolean {
    return remote.serviceCodeOf(error) === 'no_such_upload'
  }
}

/** The shelf protocol. */
class ShelfDriver implements holdall.Driver {
  readonly name = 'shelf'
  readonly features = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true, listRange: true }
  readonly classify = classify
  readonly #options: ShelfOptions
  readonly #http: HttpClient
  readonly #service: ShelfService
  readonly #parts: ShelfParts
  readonly #uploads = new remote.OpenUploads()
  readonly #conditions = new remote.Conditions(remote.FULL_CONDITIONS)
  constructor(options: ShelfOptions, http: HttpClient) {
    this.#options = options
    this.#http = http
    this.#service = serviceOf(options, http)
    this.#parts = new ShelfParts(this.#service)
  }
  async stat(key: string, ctx: holdall.CallContext): Promise<holdall.Stat> {
    const headers = await this.#service.done({ method: 'HEAD', path: fileAt(key), expected: FILE }, ctx)
    return remote.sizedStat(remote.statOfHeaders(headers, METADATA))
  }
  read(key: string, options: holdall.ReadOptions, ctx: holdall.CallContext): Promise<holdall.ReadResult> {
    const get = (headers: Record<string, string>) =>
      this.#service.send({ method: 'GET', path: fileAt(key), expected: headers['range'] ? RANGE : FILE, headers }, ctx)
    const matchHeader = (etag: string) => this.#conditions.matchHeader(etag)
    return remote.readObject({ get, statOf: it => remote.statOfHeaders(it, METADATA), matchHeader, classify }, options)
  }
  async write(key: string, content: holdall.Content, options: holdall.WriteOptions, ctx: holdall.CallContext) {
    const { objectParameters = {}, extra = {} } = options
    const headers: Record<string, string> = {}
    PARAMETERS.add(headers, objectParameters)
    remote.addAttributes(headers, options, METADATA)
    PARAMETERS.add(headers, extra)
    const conditions = this.#conditions.headersOf(options)
    const plan = remote.partPlan(this.#uploads, this.#options, { put: conditions, finish: conditions })
    try {
      return await remote.writeObject(this.#parts, { key, options, headers, conditions }, content, plan, ctx)
    } catch (error) {
      throw remote.conditionFailed(error, options, classify)
    }
  }
  async delete(key: string, ctx: holdall.CallContext): Promise<void> {
    try {
      await this.#service.done({ method: 'DELETE', path: fileAt(key), expected: GONE }, ctx)
    } catch (error) {
      if (classify(error) !== 'not_found') throw error
    }
  }
  async list(prefix: string, page: holdall.PageRequest, ctx: holdall.CallContext): Promise<holdall.Page> {
    if (remote.isEmptyRange(prefix, page)) return { files: [], directories: [] }
    const { recursive, token = page.startAfter, until, limit = 1000 } = page
    const asked = { prefix, delimiter: recursive ? undefined : '/', after: token, until, limit }
    const query = Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [[name, `${value}`]]))
    const request = { method: 'GET', path: '/files', query: query as Array<[string, string]>, expected: LISTING }
    const { value } = await this.#service.json<{ files: unknown[]; folders: unknown[]; next?: string }>(request, ctx)
    const files = value.files.map(file => {
      const { key, size, etag, modified } = { ...(file as Record<string, unknown>) }
      if (typeof key !== 'string')
        throw new holdall.StorageError('unavailable', 'The listing has a file without a key.')
      const known = { etag: remote.etagOf(textOf(etag)), modifiedAt: remote.dateOf(textOf(modified)) }
      // A missing size is NaN, and is requested below.
      return { key, size: remote.countOf(`${size}`) ?? Number.NaN, ...known }
    })
    const found = { files, directories: value.folders.map(String), next: value.next }
    return remote.sizedPage(remote.checkedPage(found, prefix, page), key => this.stat(key, ctx), classify)
  }
  async close(): Promise<void> {
    await this.#uploads.close()
    await this.#http.close()
  }
}

/** Files on a shelf. */
export class ShelfStorage extends remote.ObjectStorage<ShelfOptions> {
  static override readonly backendName: string = 'shelf'
  static override readonly settings: holdall.SettingsOf<ShelfOptions> = settings
  protected override readonly attributeParameters: remote.AttributeParameters = { CacheControl: 'cacheControl' }
  protected override connect(options: ShelfOptions, services: holdall.Services): holdall.Driver {
    return new ShelfDriver(options, remote.httpClientOf(options, services))
  }
  protected override parameterName(name: string): string {
    return PARAMETERS.nameOf(name)
  }
  protected override downloadQuery({ parameters = {} }: holdall.UrlOptions): remote.UrlQuery {
    return Object.entries(parameters).map(([name, value]) => [name, String(value)])
  }
}
