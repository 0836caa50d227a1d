import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { bytesText } from '../../uploads/header-params.ts'
import { checkUploadOptions, UPLOAD_OPTIONS, type UploadedFile, type UploadOptions } from '../../uploads/options.ts'
import { storeUpload } from '../../uploads/store-upload.ts'
import { UploadError } from '../../uploads/upload-error.ts'
import { UploadSet } from '../../uploads/upload-set.ts'

/** A request as multer passes it to an engine; Express's is one. */
export interface MulterRequest extends IncomingMessage {
  body?: unknown
  /** Set by Express: when it ends with a status of 400 or more, the stored files are removed. */
  res?: ServerResponse | undefined
}

/** A file as multer passes it to an engine. */
export interface MulterFile {
  fieldname: string
  originalname: string
  encoding?: string
  stream: Readable
}

/** A storage engine of multer 2, structurally `multer.StorageEngine`. */
export interface MulterEngine {
  _handleFile(req: MulterRequest, file: MulterFile, callback: (error?: unknown, info?: object) => void): void
  _removeFile(req: MulterRequest, file: MulterFile, callback: (error: Error | null) => void): void
}

/** The files of each request. */
const sets = new WeakMap<object, UploadSet>()

/**
 * A storage engine for multer 2: `multer({ storage: holdallStorage({ ... }), limits })`, also in NestJS's `FileInterceptor`. Files are streamed
 * into the storage; `req.file` is then an `UploadedFile` with `name` (in the storage), `contentType`, `size` and `storage`, and has multer's
 * `filename`, `originalname` and `mimetype` for the same. `uploadedFiles(req)` returns the files with types. Files over `maxSize` and types that
 * `allow` does not have are an `UploadError`.
 *
 * The files of a request that fails are removed: by multer when the form fails, and when the response ends with a status of 400 or more.
 * @example
 * const upload = multer({ storage: holdallStorage({ storage: 'media', uploadTo: 'avatars/%Y', allow: ['image/png'] }) })
 * app.post('/avatar', upload.single('avatar'), (req, res) => res.json({ name: uploadedFiles(req)[0]?.name }))
 * app.use(uploadErrors())
 */
export function holdallStorage<R extends MulterRequest = MulterRequest>(options: UploadOptions<R> = {}): MulterEngine {
  checkUploadOptions('holdallStorage', options, UPLOAD_OPTIONS)
  return {
    _handleFile(req, file, callback) {
      const { fieldname: field, originalname, encoding } = file
      const texts = textsOf(req.body)
      const text = (name: string): string | undefined => texts.get(name)
      const filename = bytesText(originalname)
      const incoming = { field, filename, encoding, content: received(file), text, request: req as R }
      storeUpload(incoming, options, uploadsOf(req)).then(
        stored => callback(null, infoOf(stored)),
        (error: unknown) => callback(error),
      )
    },
    _removeFile(req, file, callback) {
      const uploads = uploadsOf(req)
      const { storage, name } = file as Partial<UploadedFile>
      const stored = uploads.files.find(one => one.name === name && one.storage === storage)
      if (stored === undefined) return callback(null)
      uploads.remove(stored).then(() => callback(null), callback)
    },
  }
}

/** The files of a request that `holdallStorage` has stored, in the order of the form; empty for a form without files. */
export function uploadedFiles(req: object): UploadedFile[] {
  return sets.get(req)?.files ?? []
}

/** Removes the files of a request, each once. */
export async function discardUploads(req: object): Promise<void> {
  await sets.get(req)?.discard()
}

function uploadsOf(req: MulterRequest): UploadSet {
  const known = sets.get(req)
  if (known !== undefined) return known
  const uploads = new UploadSet()
  sets.set(req, uploads)
  const { res } = req
  const ended = (): void => {
    if (res !== undefined && res.statusCode >= 400) void uploads.discard()
  }
  res?.once('finish', ended).once('close', ended)
  return uploads
}

/** The bytes of a file; multer also ends the stream of one over its limit. */
async function* received({ fieldname: field, stream }: MulterFile): AsyncGenerator<Uint8Array, void, undefined> {
  yield* stream as AsyncIterable<Uint8Array>
  if ((stream as { truncated?: unknown }).truncated === true) {
    throw new UploadError('file_too_large', `The file of '${field}' is larger than multer's limits allow.`, { field })
  }
}

/** The text fields that have arrived before the file. multer's body contains lists for repeated fields. */
function textsOf(body: unknown): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [name, value] of Object.entries(body ?? {})) {
    const first: unknown = Array.isArray(value) ? value[0] : value
    if (typeof first === 'string') texts.set(name, first)
  }
  return texts
}

/** What `req.file` has: an `UploadedFile`, and multer's names for the same. */
function infoOf(file: UploadedFile): object {
  return { ...file, filename: file.name, originalname: file.originalName, mimetype: file.contentType }
}
