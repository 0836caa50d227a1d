import { StorageError } from '../core/errors.ts'
import { guessType, packedType } from '../core/mime.ts'
import { importOptional } from '../core/optional.ts'

/** Number of bytes at the beginning of a file that are checked for its type; `file-type` needs this many. */
export const HEAD_BYTES = 4100

const UNKNOWN = 'application/octet-stream'

interface FileType {
  fileTypeFromBuffer(bytes: Uint8Array): Promise<{ readonly mime: string } | undefined>
  readonly supportedMimeTypes: ReadonlySet<string>
}

/** Types that browsers execute when they show them. */
const ACTIVE =
  /^(?:text\/(?:html|javascript|xml|xsl)|image\/svg\+xml|application\/(?:xml|javascript|ecmascript|[\w.-]+\+xml))$/
/** Text types, which have no signature. */
const TEXT = /^text\/|[+/](?:json|xml|yaml|toml|javascript|ecmascript|sql|x-sh|ld-json|x-ndjson|manifest)$/

/** Other names of types that `file-type` returns. */
const SYNONYMS: Readonly<Record<string, string>> = {
  'application/x-gzip': 'application/gzip',
  'application/x-zip-compressed': 'application/zip',
  'audio/wave': 'audio/wav',
  'audio/x-wav': 'audio/wav',
  'audio/vnd.wave': 'audio/wav',
  'audio/x-flac': 'audio/flac',
  'audio/mp3': 'audio/mpeg',
  'audio/x-m4a': 'audio/mp4',
  'video/x-m4v': 'video/mp4',
  'image/jpg': 'image/jpeg',
  'image/x-icon': 'image/vnd.microsoft.icon',
  'image/x-ms-bmp': 'image/bmp',
  'audio/x-aiff': 'audio/aiff',
  'video/x-msvideo': 'video/vnd.avi',
  'video/x-matroska': 'video/matroska',
  'application/x-rar-compressed': 'application/vnd.rar',
}

/** Container formats: the type that the bytes show, and the types that the name may have. */
const CONTAINERS: ReadonlyArray<readonly [bytes: RegExp, named: RegExp]> = [
  [
    /^application\/zip$/,
    /^application\/(?:vnd\.(?:openxmlformats|oasis|ms-|android|apple|google-earth)|epub\+zip|java-archive|x-zip|[\w.-]+\+zip$)/,
  ],
  [/^application\/x-cfb$/, /^application\/(?:msword|vnd\.ms-|vnd\.visio|x-msi)|^image\/vnd\.fpx/],
  [/^(?:audio|video|application)\/ogg/, /^(?:audio|video|application)\/ogg/],
  [/^(?:audio|video)\/mp4$/, /^(?:(?:audio|video)\/mp4|video\/quicktime|video\/3gpp2?|audio\/3gpp2?)$/],
  [/^video\/quicktime$/, /^(?:audio|video)\/mp4$/],
  [/^(?:audio|video)\/webm$|matroska/, /^(?:audio|video)\/(?:webm|x-matroska|matroska)$/],
  [/^image\/(?:heic|heif)/, /^image\/(?:heic|heif)/],
  [/^image\/tiff$/, /^image\/(?:x-[\w-]+|tiff)$/],
  [/^application\/vnd\.ms-asf$/, /^(?:audio|video)\/x-ms-(?:wm[av]|asf)$/],
]

/** Rejects a list of allowed types that contains an invalid type: `invalid_argument`. */
export function checkAllowed(owner: string, allow: readonly string[]): void {
  const wrong = Array.isArray(allow) ? allow.find(type => !/^[\w.+-]+\/(?:\*|[\w.+-]+)$/.test(`${type}`)) : allow
  if (wrong === undefined) return
  throw new StorageError('invalid_argument', `${owner}: allow: expected media types as 'image/png', got '${wrong}'.`)
}

/** The type of a file, from its name and its first bytes, and whether it is allowed. */
export interface FileKind {
  /** The stored Content-Type. */
  readonly contentType: string
  /** Why the file is rejected, as the end of a sentence; undefined where it is allowed. */
  readonly refusal: string | undefined
}

/**
 * Returns the type of a file from its name and its first bytes. A file whose name and bytes disagree is `application/octet-stream`, or the
 * type of its bytes where both are allowed. Types without a signature follow from the name, where the bytes can have that type: text has no
 * binary bytes (WHATWG MIME Sniffing section 7.1), SVG and XML begin with `<`.
 */
export async function fileKind(
  name: string,
  head: Uint8Array,
  allow: readonly string[] | undefined,
): Promise<FileKind> {
  const named = packedType(name) ?? guessType(name).contentType
  if (named !== undefined && TEXT.test(named)) {
    if (isText(named, head)) return decided(named, named, allow)
    return decided(named, (await signature(head, allow))?.type ?? UNKNOWN, allow)
  }
  const found = await signature(head, allow)
  if (found === undefined) return decided(named, named ?? UNKNOWN, allow)
  if (found.type !== undefined) {
    return decided(named, named !== undefined && isSame(named, found.type) ? named : found.type, allow)
  }
  // The bytes show no type: it follows from the name, unless the bytes would have to show that type.
  return decided(named, named === undefined || isSeen(named, found.known) ? UNKNOWN : named, allow)
}

function decided(named: string | undefined, byBytes: string, allow: readonly string[] | undefined): FileKind {
  const agreed = named === undefined || named === byBytes
  if (allow === undefined) return { contentType: agreed ? byBytes : UNKNOWN, refusal: undefined }
  if (named !== undefined && !isAllowed(named, allow))
    return { contentType: byBytes, refusal: `its name is of ${named}` }
  if (isAllowed(byBytes, allow)) return { contentType: byBytes, refusal: undefined }
  return { contentType: byBytes, refusal: `its content is ${byBytes === UNKNOWN ? 'of no known type' : byBytes}` }
}

/**
 * Returns the type that the first bytes show, and all types that they could show; undefined without the package `file-type` where no type
 * is required.
 */
async function signature(
  head: Uint8Array,
  allow: readonly string[] | undefined,
): Promise<{ readonly type: string | undefined; readonly known: ReadonlySet<string> } | undefined> {
  const fileType = await loadFileType(allow)
  if (fileType === undefined) return undefined
  const found = (await fileType.fileTypeFromBuffer(head))?.mime ?? (isTiff(head) ? 'image/tiff' : undefined)
  // XML and text follow from the name, so that no file becomes active content by its bytes.
  const type = found === undefined || TEXT.test(found) ? undefined : synonym(found)
  return { type, known: (known ??= new Set([...fileType.supportedMimeTypes].map(synonym))) }
}

let known: ReadonlySet<string> | undefined

/** Whether files of a type show it in their first bytes. A binary STL does not. */
function isSeen(named: string, seen: ReadonlySet<string>): boolean {
  const name = synonym(named)
  return name !== 'model/stl' && (seen.has(name) || CONTAINERS.some(([, names]) => names.test(name)))
}

/** `file-type` needs the directory of a TIFF, which can be at its end. */
function isTiff(head: Uint8Array): boolean {
  return /^(?:II\*\0|MM\0\*)/.test(Buffer.from(head.subarray(0, 4)).toString('latin1'))
}

let loaded: Promise<FileType> | undefined

async function loadFileType(allow: readonly string[] | undefined): Promise<FileType | undefined> {
  try {
    loaded ??= importOptional<FileType>('file-type', "'allow' with types that are seen in the first bytes")
    return await loaded
  } catch (error) {
    loaded = undefined
    if (allow === undefined || allow.every(type => TEXT.test(type))) return undefined
    throw error
  }
}

function synonym(type: string): string {
  const plain = /^[^;]*/.exec(type)![0].trim().toLowerCase()
  return SYNONYMS[plain] ?? plain
}

function isSame(named: string, found: string): boolean {
  const name = synonym(named)
  return name === found || CONTAINERS.some(([bytes, names]) => bytes.test(found) && names.test(name))
}

/** Whether a type is in the list, itself or by a wildcard; a wildcard does not include types that browsers execute. */
function isAllowed(type: string, allow: readonly string[]): boolean {
  const wanted = synonym(type)
  const family = `${wanted.slice(0, wanted.indexOf('/'))}/*`
  return allow.some(one => synonym(one) === wanted || (one === family && !ACTIVE.test(wanted)))
}

/** Whether bytes can be text of this type: a byte order mark, or no binary bytes; XML begins with `<`. */
function isText(type: string, head: Uint8Array): boolean {
  const [first, second] = head
  const isUtf16 = (first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe)
  if (!isUtf16 && head.some(isBinary)) return false
  if (isUtf16 || head.byteLength === 0) return true
  const text = Buffer.from(head)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
  if (type === 'image/svg+xml') return text.startsWith('<') && /<(?:[\w-]+:)?svg[\s>]/i.test(text)
  if (/[+/]xml$/.test(type)) return text.startsWith('<')
  if (/[+/]json$/.test(type)) return /^["\d[{fnt-]/.test(text)
  return true
}

/** A binary data byte of WHATWG MIME Sniffing section 3. */
function isBinary(byte: number): boolean {
  return byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f)
}
