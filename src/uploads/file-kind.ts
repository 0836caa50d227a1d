import { StorageError } from '../core/errors.ts'
import { guessType, packedType } from '../core/mime.ts'
import { importOptional } from '../core/optional.ts'

/** Bytes at the beginning of a file that its type is seen in; `file-type` asks for so many. */
export const HEAD_BYTES = 4100

const UNKNOWN = 'application/octet-stream'

interface FileType {
  fileTypeFromBuffer(bytes: Uint8Array): Promise<{ readonly mime: string } | undefined>
  readonly supportedMimeTypes: ReadonlySet<string>
}

/** What browsers run when they show it. */
const ACTIVE =
  /^(?:text\/(?:html|javascript|xml|xsl)|image\/svg\+xml|application\/(?:xml|javascript|ecmascript|[\w.-]+\+xml))$/
/** Types that are text, and have no signature. */
const TEXT = /^text\/|[+/](?:json|xml|yaml|toml|javascript|ecmascript|sql|x-sh|ld-json|x-ndjson|manifest)$/

/** Other names of types that `file-type` finds. */
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
  'font/otf': 'font/otf',
  'application/x-rar-compressed': 'application/vnd.rar',
}

/** Formats that hold others: what the bytes show, and the names that it may have. */
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
]

/** Refuses a list of allowed types with something that is no type; `invalid_argument`. */
export function checkAllowed(owner: string, allow: readonly string[]): void {
  const wrong = Array.isArray(allow) ? allow.find(type => !/^[\w.+-]+\/(?:\*|[\w.+-]+)$/.test(`${type}`)) : allow
  if (wrong === undefined) return
  throw new StorageError('invalid_argument', `${owner}: allow: expected media types as 'image/png', got '${wrong}'.`)
}

/** The type of a file as its name and its first bytes agree on it, and whether it is allowed. */
export interface FileKind {
  /** What is stored as Content-Type. */
  readonly contentType: string
  /** Why the file is refused, as the end of a sentence; undefined where it is allowed. */
  readonly refusal: string | undefined
}

/**
 * The type of a file by its name and its first bytes. A file whose name and bytes disagree is `application/octet-stream`, or the type of its bytes
 * where both are allowed. Types without a signature are those of the name, where the bytes can be that: text has no binary bytes (WHATWG MIME
 * Sniffing section 7.1), SVG and XML begin with `<`.
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
  // The bytes show nothing: so it is what the name says, unless that type would show in them.
  return decided(named, named === undefined || found.known.has(synonym(named)) ? UNKNOWN : named, allow)
}

function decided(named: string | undefined, byBytes: string, allow: readonly string[] | undefined): FileKind {
  const agreed = named === undefined || named === byBytes
  if (allow === undefined) return { contentType: agreed ? byBytes : UNKNOWN, refusal: undefined }
  if (named !== undefined && !isAllowed(named, allow))
    return { contentType: byBytes, refusal: `its name is of ${named}` }
  if (isAllowed(byBytes, allow)) return { contentType: byBytes, refusal: undefined }
  return { contentType: byBytes, refusal: `its content is ${byBytes === UNKNOWN ? 'of no known type' : byBytes}` }
}

/** What the first bytes show, and all types that can be seen in them; undefined without the package `file-type` where no type is asked for. */
async function signature(
  head: Uint8Array,
  allow: readonly string[] | undefined,
): Promise<{ readonly type: string | undefined; readonly known: ReadonlySet<string> } | undefined> {
  const fileType = await loadFileType(allow)
  if (fileType === undefined) return undefined
  const found = await fileType.fileTypeFromBuffer(head)
  // XML and text are decided by name, so that no file becomes active content by what it contains.
  const type = found === undefined || TEXT.test(found.mime) ? undefined : synonym(found.mime)
  return { type, known: fileType.supportedMimeTypes }
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

/** Whether a type is among those, as it is or by a wildcard; a wildcard does not include what browsers run. */
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
