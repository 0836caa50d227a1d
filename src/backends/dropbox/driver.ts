import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type { DirectUpload, DirectUploadLimits } from '../../core/direct-uploads.ts'
import type {
  DeleteOptions,
  DeleteResult,
  Driver,
  Features,
  Page,
  PageRequest,
  ReadOptions,
  ReadResult,
  Stat,
  StatOptions,
  WriteOptions,
} from '../../core/driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import { guessType } from '../../core/mime.ts'
import type { HttpClient } from '../../http/request.ts'
import { conditionFailed } from '../../remote/conditions.ts'
import { refuseMaxSize } from '../../remote/direct-upload.ts'
import { OpenUploads } from '../../remote/open-uploads.ts'
import type { PartOptions } from '../../remote/options.ts'
import { sizedPage } from '../../remote/page-range.ts'
import { partPlan } from '../../remote/part-plan.ts'
import { writeObject } from '../../remote/part-upload.ts'
import { resumableUploads } from '../../remote/resumable.ts'
import { type ClientOptions, DropboxClient } from './client.ts'
import { type Commit, commitOf, updateOf } from './commit.ts'
import { type Relocation, Relocations, type Verb } from './copying.ts'
import { Deletion } from './deletion.ts'
import { classifyDropbox } from './errors.ts'
import { checkLinkLife, sharedLink, temporaryLink, uploadLink } from './links.ts'
import { listedPage } from './listing.ts'
import { Lookup } from './lookup.ts'
import { pathOf } from './names.ts'
import { DropboxParts } from './parts.ts'
import { readStored } from './reading.ts'

/** The options of a `DropboxDriver`; `DropboxStorage` makes them from its own options. */
export interface DropboxDriverOptions extends ClientOptions, Omit<PartOptions, 'uploadConcurrency'> {
  /** The client that sends the requests; it is closed with the driver. */
  readonly httpClient: HttpClient
  /** How a file is replaced: `update` replaces only the revision that existed when the write began. */
  readonly writeMode: 'add' | 'overwrite' | 'update'
  /** The folder that `createContainer` makes; '/' = the root. */
  readonly rootPath: string
}

/** Dropbox by version 2 of its API. */
export class DropboxDriver implements Driver {
  readonly name = 'dropbox'
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: true,
    ifMatch: true,
    deleteIfMatch: true,
    metadata: false,
    versions: true,
    listRange: false,
  }
  readonly #client: DropboxClient
  readonly #options: DropboxDriverOptions
  readonly #lookup: Lookup
  readonly #parts: DropboxParts
  readonly #deletion: Deletion
  readonly #relocations: Relocations
  readonly #uploads: OpenUploads = new OpenUploads()
  readonly resumable: NonNullable<Driver['resumable']>

  constructor(options: DropboxDriverOptions) {
    this.#options = options
    this.#client = new DropboxClient(options, options.httpClient)
    this.#lookup = new Lookup(this.#client)
    this.#parts = new DropboxParts(this.#client, this.#lookup, options.partSize)
    this.#deletion = new Deletion(this.#client, this.#lookup)
    this.#relocations = new Relocations(this.#client, this.#lookup, this)
    this.resumable = resumableUploads({
      plan: async (key, write, ctx) => ({
        ...(await this.#plan(key, write, ctx)),
        failed: error => conditionFailed(error, write, classifyDropbox),
      }),
      place: async key => pathOf(key).toLowerCase(),
    })
  }

  async stat(key: string, ctx: CallContext, { versionId }: StatOptions = {}): Promise<Stat> {
    return (await this.#lookup.find(key, ctx, versionId)).stat
  }

  read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    return readStored(this.#client, key, options, ctx)
  }

  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    const { protocol, target, plan } = await this.#plan(key, options, ctx)
    try {
      return await writeObject(protocol, target, content, plan, ctx)
    } catch (error) {
      throw conditionFailed(error, options, classifyDropbox)
    }
  }

  async #plan(key: string, options: WriteOptions, ctx: CallContext) {
    const commit = commitOf(key, await this.#modeOf(key, options, ctx), options.extra)
    // A session reports the result of its last request, and the file that of `put`: both are repeated even under a condition.
    const plan = partPlan(this.#uploads, { ...this.#options, uploadConcurrency: 1 }, { put: {}, finish: {} })
    return { protocol: this.#parts, target: { key, options, commit }, plan }
  }

  async #modeOf(key: string, { ifAbsent, ifMatch }: WriteOptions, ctx: CallContext): Promise<Commit['mode']> {
    if (ifAbsent === true) return 'add'
    if (ifMatch !== undefined) return updateOf(ifMatch)
    if (this.#options.writeMode !== 'update') return 'overwrite'
    const found = await ctx.step('stat', true, step => this.#lookup.present(key, step))
    // The service reports a folder, which has no revision, when it refuses `add`.
    const etag = found?.stat.etag
    return etag === undefined ? 'add' : updateOf(etag)
  }

  delete(key: string, ctx: CallContext, { ifMatch }: DeleteOptions = {}): Promise<void> {
    return ifMatch === undefined ? this.#deletion.delete(key, ctx) : this.#deletion.deleteVersion(key, ifMatch, ctx)
  }

  deleteMany(keys: readonly string[], ctx: CallContext): Promise<readonly DeleteResult[]> {
    return this.#deletion.deleteMany(keys, ctx)
  }

  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    const found = await listedPage(this.#client, prefix, page, ctx)
    return sizedPage(found, key => this.stat(key, ctx), classifyDropbox)
  }

  copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    return this.#relocations.one('copy', { from, to }, options, ctx)
  }

  move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    return this.#relocations.one('move', { from, to }, options, ctx)
  }

  /** Copies or moves many files and folders; see `Relocations#many`. */
  relocateMany(
    verb: Verb,
    pairs: readonly Relocation[],
    ctx: CallContext,
  ): Promise<ReadonlyArray<StorageError | undefined>> {
    return this.#relocations.many(verb, pairs, ctx)
  }

  /** The id of the file, which does not depend on spelling, root and token. */
  async address(key: string, ctx: CallContext): Promise<string> {
    const found = await ctx.step('stat', true, step => this.#lookup.present(key, step))
    return found?.id ?? `${await this.#client.account(ctx)} ${pathOf(key).toLowerCase()}`
  }

  async createContainer(ctx: CallContext): Promise<void> {
    const path = pathOf(this.#options.rootPath.slice(1))
    if (path === '') return
    try {
      await this.#client.rpc('files/create_folder_v2', { path, autorename: false }, ctx, { fields: ['metadata'] })
    } catch (error) {
      const code = classifyDropbox(error)
      // The folder exists.
      if (code === 'is_directory') return
      throw code === 'precondition_failed'
        ? new StorageError('not_a_directory', `The root ${path} is a file.`, { cause: error })
        : error
    }
  }

  /** A link to the bytes of a file: valid for 4 hours, or a permanent shared one. */
  link(key: string, isShared: boolean, ctx: CallContext): Promise<string> {
    return isShared ? sharedLink(this.#client, key, ctx) : temporaryLink(this.#client, key, ctx)
  }

  /** A link to which anyone can POST the file, valid for `secs` seconds. */
  uploadLink(key: string, secs: number, options: WriteOptions, ctx: CallContext): Promise<string> {
    const commit = commitOf(key, options.ifAbsent === true ? 'add' : 'overwrite', options.extra)
    return uploadLink(this.#client, commit, secs, ctx)
  }

  /** A link that accepts the bytes with POST. Dropbox stores no content types: a file has the one that its name implies. */
  async uploadTarget(
    key: string,
    options: WriteOptions,
    limits: DirectUploadLimits,
    ctx: CallContext,
  ): Promise<DirectUpload> {
    refuseMaxSize(limits, 'Dropbox')
    const { contentType } = options
    if (contentType !== undefined && contentType !== guessType(key).contentType)
      throw new StorageError(
        'unsupported',
        `contentType: in Dropbox the type follows from the name, and '${contentType}' is another one.`,
      )
    const secs = checkLinkLife(limits.expiresInSecs)
    const url = await ctx.step('uploadLink', true, step => this.uploadLink(key, secs, { extra: options.extra }, step))
    return { method: 'POST', url, headers: { 'content-type': 'application/octet-stream' } }
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyDropbox(error)
  }

  /** Ends the uploads in progress and closes its own connections. */
  async close(): Promise<void> {
    await this.#uploads.close()
    await this.#options.httpClient.close()
  }
}
