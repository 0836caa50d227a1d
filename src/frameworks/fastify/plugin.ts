import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { StorageOption } from '../../config/storage-option.ts'
import { StorageError } from '../../core/errors.ts'
import { kindOf } from '../../core/kind.ts'
import { checkKnownOptions, type KnownOptions } from '../../core/known-options.ts'
import { importOptional } from '../../core/optional.ts'
import { nodeSource } from '../../uploads/body-source.ts'
import { readForm } from '../../uploads/form.ts'
import { bytesText } from '../../uploads/header-params.ts'
import { boundaryOf } from '../../uploads/multipart.ts'
import {
  checkUploadOptions,
  UPLOAD_OPTIONS,
  type UploadedFile,
  type UploadLimits,
  type UploadOptions,
} from '../../uploads/options.ts'
import { checkedForm, type SaveUploadsOptions, type Uploads } from '../../uploads/save-uploads.ts'
import { storeUpload } from '../../uploads/store-upload.ts'
import { UploadError } from '../../uploads/upload-error.ts'
import { UploadSet } from '../../uploads/upload-set.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Stores the files of a form and returns them with its text fields. When the reply has a status of 400 or more, as after an error, the files
     * are removed before it is sent.
     */
    saveUploads(options: SaveUploadsOptions<FastifyRequest>): Promise<Uploads>
    /**
     * Stores one file of `request.file()` or `request.parts()` of `@fastify/multipart`; it is removed in the same cases as those of
     * `saveUploads`.
     */
    saveUpload(part: FastifyUploadPart, options?: UploadOptions<FastifyRequest>): Promise<UploadedFile>
  }
}

/** Common options for the uploads of an app. */
export interface HoldallUploadsOptions {
  /** The storage of fields without their own. Default: the storage `default`. */
  readonly storage?: StorageOption | undefined
  /** The limits of forms without their own. */
  readonly limits?: UploadLimits | undefined
}

/** A file as `@fastify/multipart` passes it on. */
export interface FastifyUploadPart {
  readonly fieldname: string
  readonly filename: string
  readonly encoding?: string | undefined
  readonly file: Readable & { readonly truncated?: boolean }
  readonly fields?: Readonly<Record<string, unknown>> | undefined
}

/** The part of an app and its requests that the plugin uses. */
export interface UploadApp {
  hasContentTypeParser(type: string): boolean
  register(plugin: never): PromiseLike<unknown>
  decorateRequest(name: string, value: unknown): unknown
  addHook(name: 'onSend', hook: (request: object, reply: { statusCode: number }) => Promise<void>): unknown
}

const OPTIONS: KnownOptions<HoldallUploadsOptions> = { storage: true, limits: true }
const TYPE = 'multipart/form-data'

/** The files of each request. */
const sets = new WeakMap<object, UploadSet>()

async function plugin(app: UploadApp, options: HoldallUploadsOptions): Promise<void> {
  const { storage, limits, ...others } = options
  // Fastify adds `prefix` and `logLevel` to the options of a plugin.
  const { prefix: _p, logLevel: _l, logSerializers: _s, ...own } = others as Record<string, unknown>
  checkKnownOptions('holdallUploads', own, OPTIONS)
  if (!app.hasContentTypeParser(TYPE)) {
    const multipart = await importOptional<{ default: never }>('@fastify/multipart', 'holdall/fastify')
    await app.register(multipart.default)
  }
  app.decorateRequest(
    'saveUploads',
    function saveUploads(this: FastifyRequest, given: SaveUploadsOptions<FastifyRequest>) {
      const limitsOf = given?.limits === undefined ? limits : { ...limits, ...given.limits }
      return savedForm(this, { storage, ...given, limits: limitsOf })
    },
  )
  app.decorateRequest(
    'saveUpload',
    function saveUpload(this: FastifyRequest, part: FastifyUploadPart, given: UploadOptions<FastifyRequest> = {}) {
      return savedPart(this, part, { storage, maxSize: limits?.fileSize, ...given })
    },
  )
  app.addHook('onSend', async (request, reply) => {
    if (reply.statusCode >= 400) await sets.get(request)?.discard()
  })
}

/**
 * A plugin for Fastify 5 that stores uploads: `app.register(holdallUploads, { storage: 'media' })`, then `request.saveUploads({ fields })`
 * in a handler. It registers `@fastify/multipart`, unless the app has done so; both that and `@fastify/busboy` must be installed.
 * @example
 * await app.register(holdallUploads, { storage: 'media' })
 * app.post('/avatar', async request => {
 *   const { files } = await request.saveUploads({ fields: { avatar: { uploadTo: 'avatars/%Y', allow: ['image/*'] } } })
 *   return { name: files[0]?.name }
 * })
 */
export const holdallUploads: (app: UploadApp, options: HoldallUploadsOptions) => Promise<void> = Object.assign(plugin, {
  // The symbol that the package `fastify-plugin` sets: the decorators belong to the app, not to a scope of the plugin.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'holdall',
  [Symbol.for('plugin-meta')]: { name: 'holdall', fastify: '5.x' },
})

async function savedForm(request: FastifyRequest, options: SaveUploadsOptions<FastifyRequest>): Promise<Uploads> {
  const { fields, limits } = checkedForm(options)
  const { raw } = request
  const boundary = boundaryOf(raw.headers['content-type'])
  if (raw.readableEnded || raw.readableDidRead) throw new StorageError('invalid_argument', READ_BEFORE)
  const uploads = uploadsOf(request)
  const { signal } = options
  const form = await readForm({ source: nodeSource(raw), boundary, fields, limits, request, signal }, uploads)
  return { ...form, discard: () => uploads.discard() }
}

const READ_BEFORE =
  'saveUploads: the body of the request was read before: by request.file() or request.parts(), or by attachFieldsToBody of @fastify/multipart.'

async function savedPart(
  request: FastifyRequest,
  part: FastifyUploadPart,
  options: UploadOptions<FastifyRequest>,
): Promise<UploadedFile> {
  checkUploadOptions('saveUpload', options, UPLOAD_OPTIONS)
  if (typeof part?.file?.[Symbol.asyncIterator] !== 'function') {
    const message = `saveUpload: expected a file of request.file() or request.parts(), got ${kindOf(part)}.`
    throw new StorageError('invalid_argument', message)
  }
  const { fieldname: field, filename, encoding, fields } = part
  if (part.file.readableDidRead || part.file.readableEnded) {
    const message = `saveUpload: the file of '${field}' was read before, by toBuffer() or attachFieldsToBody of @fastify/multipart. With attachFieldsToBody, call saveUpload in its option onFile.`
    throw new StorageError('invalid_argument', message)
  }
  const text = (name: string): string | undefined => textOf(fields, name)
  const content = received(part, request.raw)
  const incoming = { field, filename: bytesText(filename), encoding, content, text, request }
  return storeUpload(incoming, options, uploadsOf(request))
}

function uploadsOf(request: object): UploadSet {
  const uploads = sets.get(request) ?? new UploadSet()
  sets.set(request, uploads)
  return uploads
}

/** The bytes of a part; the stream of one over a limit ends without an error. */
async function* received(
  { fieldname: field, file }: FastifyUploadPart,
  raw: IncomingMessage,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* file as AsyncIterable<Uint8Array>
  if (file.truncated === true) {
    throw new UploadError('file_too_large', `The file of '${field}' is larger than limits.fileSize allows.`, { field })
  }
  if (raw.destroyed && !raw.complete) throw new Error('the client closed the connection')
}

/** A text field that `@fastify/multipart` has read. */
function textOf(fields: Readonly<Record<string, unknown>> | undefined, name: string): string | undefined {
  if (fields === undefined || !Object.hasOwn(fields, name)) return undefined
  const found: unknown = fields[name]
  const first = (Array.isArray(found) ? found[0] : found) as { readonly type?: unknown; readonly value?: unknown }
  return first?.type === 'field' && typeof first.value === 'string' ? first.value : undefined
}
