import { ATTRIBUTE_OPTIONS, attributesOf } from '../core/attributes.ts'
import type { CallContext, CallOptions, FileRef } from '../core/call.ts'
import type { PartialUpload, ResumableUploads } from '../core/direct-uploads.ts'
import type { FileAttributes, Stat, WriteOptions } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { validateFileName } from '../core/names.ts'
import type { AnyBase } from './base.ts'
import { ResumableUpload } from './resumable-upload.ts'
import { targetOf } from './save.ts'
import { MAX_PART, placeOf, readUploadToken, type UploadRecord } from './upload-token.ts'
import { attributesOnly } from './write.ts'

/** How an upload in parts is begun. */
export interface OpenUploadOptions extends CallOptions, FileAttributes {
  /** Bytes of a part. Default: the backend's option `partSize`; raised to what the service demands. */
  readonly partSize?: number | undefined
  /** Bytes of the whole file, where they are known: parts are then large enough, and `complete` checks that all bytes are there. */
  readonly size?: number | undefined
  /** Most bytes allowed; more are `too_large`. */
  readonly maxSize?: number | undefined
  /** Overrides the option `fileOverwrite`: without overwriting the upload takes a free name. */
  readonly overwrite?: boolean | undefined
  /** The file gets exactly this name, and `complete` fails with `exists` where something has it. */
  readonly ifAbsent?: boolean | undefined
  /** `complete` only replaces the version with this etag: else `precondition_failed`. */
  readonly ifMatch?: string | undefined
  /** What only this backend knows; it is not part of the token. */
  readonly extra?: WriteOptions['extra']
}

/** How an upload is gone on with. */
export interface ResumeUploadOptions extends CallOptions {
  /** The name that the upload must be for; a token for another one is `invalid_argument`. Give it where a client kept the token. */
  readonly name?: string | undefined
  /** The `extra` that the upload was opened with. */
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

interface Begun {
  readonly part: PartialUpload<Stat>
  readonly place: string
}

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
  const end = (part: PartialUpload<Stat>) => part.end(calls.context()).catch(() => undefined)
  const begin = async (ctx: CallContext): Promise<Begun> => {
    const part = await uploads.begin(ref.key, write, { size, partSize }, ctx)
    try {
      // Asked afterwards: the folder of a file on a disk is there now, with its real path.
      return { part, place: await placeIn(storage, uploads, ref, ctx) }
    } catch (error) {
      await end(part)
      throw error
    }
  }
  let beginning: Promise<Begun> | undefined
  const { place, part } = await calls
    .run('openUpload', ref, { signal: options.signal, repeat: false }, ctx => {
      beginning = begin(ctx)
      return beginning
    })
    .catch(error => {
      // A call that was aborted may begin its upload all the same, and its caller has no token to end it with.
      beginning?.then(
        begun => end(begun.part),
        () => undefined,
      )
      throw error
    })
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

/** Goes on with an upload; see `Storage#resumeUpload`. */
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
  // The name is checked against the location of this storage as any other one.
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
  const text = `${storage.constructor.name} has no uploads that another process can go on with: use save().`
  throw new StorageError('unsupported', text, { operation, fileName })
}

async function placeIn({ calls }: AnyBase, uploads: Uploads, { key }: FileRef, ctx: CallContext): Promise<string> {
  return placeOf(calls.driver.name, await uploads.place(key, ctx))
}

/** The name that an upload gets, and the condition under which its file appears. */
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
    if (ifAbsent) throw new StorageError('invalid_argument', 'openUpload: give ifAbsent or ifMatch, not both.')
    if (!features.ifMatch) throw unable('cannot replace a version by its etag')
    return { ref: wanted, conditions: { ifMatch } }
  }
  if (ifAbsent && !features.exclusiveCreate) throw unable('cannot create a file only if its name is free')
  const ref = ifAbsent ? wanted : await targetOf(storage, wanted, { signal, overwrite: false })
  return { ref, conditions: features.exclusiveCreate ? { ifAbsent: true } : { isNew: true } }
}

function checkBytes(option: string, value: number | undefined): void {
  const isPart = option === 'partSize'
  const isInRange = Number.isSafeInteger(value) && value! >= (isPart ? 1 : 0) && !(isPart && value! > MAX_PART)
  if (value === undefined || isInRange) return
  throw new StorageError('invalid_argument', `${option}: expected a number of bytes, got ${value}.`)
}
