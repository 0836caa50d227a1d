import { ATTRIBUTE_OPTIONS, attributesOf } from '../core/attributes.ts'
import type { CallContext, CallOptions, FileRef } from '../core/call.ts'
import type { ResumableUploads } from '../core/direct-uploads.ts'
import type { FileAttributes, Stat, WriteOptions } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { validateFileName } from '../core/names.ts'
import type { AnyBase } from './base.ts'
import { ResumableUpload } from './resumable-upload.ts'
import { targetOf } from './save.ts'
import { placeOf, readUploadToken, type UploadRecord } from './upload-token.ts'
import { attributesOnly } from './write.ts'

/** Options of `openUpload`. */
export interface OpenUploadOptions extends CallOptions, FileAttributes {
  /** Bytes of a part. Default: the backend's option `partSize`. A size below the minimum of the service is raised to it. */
  readonly partSize?: number | undefined
  /** Bytes of the whole file, if known. Parts are then large enough for it, and `complete` checks that all bytes are there. */
  readonly size?: number | undefined
  /** Maximum size in bytes; more bytes are `too_large`. */
  readonly maxSize?: number | undefined
  /** Overrides the option `fileOverwrite`. Without overwriting, the upload gets a free name. */
  readonly overwrite?: boolean | undefined
  /** The file gets exactly this name; `complete` fails with `exists` if the name is taken. */
  readonly ifAbsent?: boolean | undefined
  /** `complete` only replaces the version with this etag: else `precondition_failed`. */
  readonly ifMatch?: string | undefined
  /** Options of this backend only; see its page. They are not part of the token. */
  readonly extra?: WriteOptions['extra']
}

/** Options of `resumeUpload`. */
export interface ResumeUploadOptions extends CallOptions {
  /** The name that the upload must have; a token for another name is `invalid_argument`. Set it where a client kept the token. */
  readonly name?: string | undefined
  /** The `extra` of the `openUpload` call. */
  readonly extra?: WriteOptions['extra']
}

const OPEN_OPTIONS: KnownOptions<OpenUploadOptions> = {
  signal: true,
  ...ATTRIBUTE_OPTIONS,
  partSize: true,
  size: true,
  maxSize: true,
  overwrite: true,
  ifAbsent: true,
  ifMatch: true,
  extra: true,
}
const RESUME_OPTIONS: KnownOptions<ResumeUploadOptions> = { signal: true, name: true, extra: true }

type Uploads = ResumableUploads<WriteOptions, Stat>

/** Begins an upload in parts; see `Storage#openUpload`. */
export async function openUpload(storage: AnyBase, name: string, options: OpenUploadOptions): Promise<ResumableUpload> {
  checkKnownOptions('openUpload', options, OPEN_OPTIONS)
  const { partSize, size, maxSize } = options
  for (const [option, value] of Object.entries({ partSize, size, maxSize })) checkBytes(option, value)
  if (size !== undefined && maxSize !== undefined && size > maxSize) {
    throw new StorageError('too_large', `The content is larger than ${maxSize} bytes.`, { fileName: name })
  }
  const { calls } = storage
  calls.begin('openUpload', name, options, true)
  const uploads = uploadsOf(storage, 'openUpload', name)
  const wanted = storage.newRef(validateFileName(name))
  const { ref, conditions } = await conditionsOf(storage, wanted, options)
  const write = { ...storage.writeOptions(ref, attributesOnly, options), ...conditions }
  const begun = await calls.run('openUpload', ref, { signal: options.signal, repeat: false }, async ctx => {
    const part = await uploads.begin(ref.key, write, { size, partSize }, ctx)
    // Determined after the upload began: the folder of a file on a disk exists then and has its real path.
    return { part, place: await placeIn(storage, uploads, ref, ctx) }
  })
  const { place, part } = begun
  const record: UploadRecord = {
    backend: calls.driver.name,
    name: ref.name,
    place,
    id: part.saved.id,
    partSize: part.partSize,
    size,
    maxSize,
    ...conditions,
    attributes: attributesOf(write),
  }
  return new ResumableUpload(calls, ref, part, record)
}

/** Continues an upload; see `Storage#resumeUpload`. */
export async function resumeUpload(
  storage: AnyBase,
  token: string,
  options: ResumeUploadOptions,
): Promise<ResumableUpload> {
  checkKnownOptions('resumeUpload', options, RESUME_OPTIONS)
  const { calls } = storage
  calls.begin('resumeUpload', options.name, options, true)
  const record = readUploadToken(token)
  const { name, backend, id, partSize, size, ifAbsent, isNew, ifMatch, attributes } = record
  const details = { fileName: name, operation: 'resumeUpload' }
  if (backend !== calls.driver.name) {
    const text = `token: it is for the backend '${backend}', and this storage is '${calls.driver.name}'.`
    throw new StorageError('invalid_argument', text, details)
  }
  if (options.name !== undefined && storage.keyOf(options.name) !== storage.keyOf(name)) {
    throw new StorageError('invalid_argument', `token: it is for '${name}', not for '${options.name}'.`, details)
  }
  const uploads = uploadsOf(storage, 'resumeUpload', name)
  // The name is checked against the location of this storage like any other name.
  const ref = storage.newRef(validateFileName(name))
  const { objectParameters } = ref
  const write = { ...attributes, objectParameters, extra: options.extra, ifAbsent, isNew, ifMatch }
  if (ifAbsent !== undefined || ifMatch !== undefined) await storage.discover(options)
  const part = await calls.run('resumeUpload', ref, { signal: options.signal }, async ctx => {
    if ((await placeIn(storage, uploads, ref, ctx)) !== record.place) {
      throw new StorageError('invalid_argument', 'token: it is for another storage of this backend.')
    }
    return uploads.resume(ref.key, write, { id }, { size, partSize }, ctx)
  })
  return new ResumableUpload(calls, ref, part, record)
}

function uploadsOf(storage: AnyBase, operation: string, fileName: string): Uploads {
  const { resumable } = storage.calls.driver
  if (resumable !== undefined) return resumable
  const text = `${storage.constructor.name} has no resumable uploads: use save().`
  throw new StorageError('unsupported', text, { operation, fileName })
}

async function placeIn({ calls }: AnyBase, uploads: Uploads, { key }: FileRef, ctx: CallContext): Promise<string> {
  return placeOf(calls.driver.name, await uploads.place(key, ctx))
}

/** Returns the name that an upload gets, and the condition under which the file is stored. */
async function conditionsOf(
  storage: AnyBase,
  wanted: FileRef,
  { ifAbsent = false, ifMatch, overwrite = storage.options.fileOverwrite, signal }: OpenUploadOptions,
): Promise<{ readonly ref: FileRef; readonly conditions: Pick<WriteOptions, 'ifAbsent' | 'isNew' | 'ifMatch'> }> {
  if (ifMatch === undefined && !ifAbsent && overwrite) return { ref: wanted, conditions: {} }
  await storage.discover({ signal })
  const { features } = storage
  const unable = (what: string): StorageError =>
    new StorageError('unsupported', `${storage.constructor.name} ${what}.`, { fileName: wanted.name })
  if (ifMatch !== undefined) {
    if (ifAbsent) throw new StorageError('invalid_argument', 'openUpload: expected ifAbsent or ifMatch, got both.')
    if (!features.ifMatch) throw unable('cannot replace a version by its etag')
    return { ref: wanted, conditions: { ifMatch } }
  }
  if (ifAbsent && !features.exclusiveCreate) throw unable('cannot create a file only if its name is free')
  const ref = ifAbsent ? wanted : await targetOf(storage, wanted, { signal, overwrite: false })
  return { ref, conditions: features.exclusiveCreate ? { ifAbsent: true } : { isNew: true } }
}

function checkBytes(option: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= (option === 'partSize' ? 1 : 0))) return
  throw new StorageError('invalid_argument', `${option}: expected a number of bytes, got ${value}.`)
}
