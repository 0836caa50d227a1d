/** What a file is, by its first bytes. Its name and the type that a browser sends with it prove nothing. */
import { Refusal } from './refusal.ts'

/** A kind of file that the application takes. */
export interface Kind {
  readonly contentType: string
  readonly extension: string
  matches(head: Buffer): boolean
}

/** Bytes that are enough to know every kind. */
const HEAD_BYTES = 64

const startsWith =
  (text: string) =>
  (head: Buffer): boolean =>
    head.toString('latin1', 0, text.length) === text

/** The brands of an ISO media file, which its first box lists: the main one, a version, and the compatible ones. */
function hasBrand(head: Buffer, brand: string): boolean {
  if (head.toString('latin1', 4, 8) !== 'ftyp') return false
  const end = Math.min(head.readUInt32BE(0), head.length)
  for (let at = 8; at + 4 <= end; at += 4) if (at !== 12 && head.toString('latin1', at, at + 4) === brand) return true
  return false
}

export const DOCUMENTS: readonly Kind[] = [
  { contentType: 'application/pdf', extension: 'pdf', matches: startsWith('%PDF-') },
]

/** No SVG: it can hold scripts. */
export const PICTURES: readonly Kind[] = [
  { contentType: 'image/png', extension: 'png', matches: startsWith('\x89PNG\r\n\x1a\n') },
  { contentType: 'image/jpeg', extension: 'jpg', matches: startsWith('\xff\xd8\xff') },
  { contentType: 'image/gif', extension: 'gif', matches: head => /^GIF8[79]a/.test(head.toString('latin1', 0, 6)) },
  {
    contentType: 'image/webp',
    extension: 'webp',
    matches: head => startsWith('RIFF')(head) && head.toString('latin1', 8, 12) === 'WEBP',
  },
  {
    contentType: 'image/avif',
    extension: 'avif',
    matches: head => hasBrand(head, 'avif') || hasBrand(head, 'avis'),
  },
]

/** A file whose kind is known; `content` is all of it, the first bytes included. */
export interface KnownFile {
  readonly kind: Kind
  readonly content: AsyncIterable<Uint8Array>
}

/** Reads the first bytes of a file and finds its kind among those that are allowed; any other file is refused. */
export async function knownFile(
  source: AsyncIterable<Buffer>,
  kinds: readonly Kind[],
  refusal: string,
): Promise<KnownFile> {
  const chunks = source[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  while (head.length < HEAD_BYTES) {
    const { done, value } = await chunks.next()
    if (done === true) break
    head = Buffer.concat([head, value])
  }
  const kind = kinds.find(({ matches }) => matches(head))
  if (kind === undefined) throw new Refusal(415, head.length === 0 ? 'The file is empty.' : refusal)
  return { kind, content: whole(head, chunks) }
}

async function* whole(head: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Uint8Array> {
  yield head
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
}
