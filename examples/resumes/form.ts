import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { megabytes, TAKEN } from './files.ts'
import { Refusal } from './refusal.ts'

/** All files of a form, and what is around them. */
const MAX_BYTES = TAKEN.pdf.maxBytes + TAKEN.photos.maxBytes + 1_000_000
/** A request that is too large is read on to this multiple of the limit: browsers show no answer before they have sent all. */
const PATIENCE = 2
/** Of a request that no one wants to read. */
const MAX_REST_BYTES = 1_000_000
const LIMITS = { fields: 10, fieldSize: 2000, files: 4, parts: 14, headerPairs: 20, headerSize: 4000 }

/** Takes a file of a form; the next one comes when this one is done. */
export type FileTaker = (field: string, filename: string, content: AsyncIterable<Buffer>) => Promise<void>

/** Reads a form of type multipart/form-data. Files go to `take` as they come; the other fields are returned. */
export async function readForm(
  request: Request,
  take: FileTaker,
  maxBytes: number = MAX_BYTES,
): Promise<ReadonlyMap<string, string>> {
  const contentType = request.headers.get('content-type') ?? ''
  if (!/^multipart\/form-data;/i.test(contentType) || request.body === null) {
    throw new Refusal(415, 'A form of type multipart/form-data is expected.')
  }
  const fields = new Map<string, string>()
  const open = new Set<Readable>()
  let failure: { readonly error: unknown } | undefined
  let work = Promise.resolve()
  const parser = parserOf({ 'content-type': contentType })
  parser.on('field', (name, value) => void fields.set(name, value))
  parser.on('file', (name, content, filename) => {
    open.add(content)
    content.on('error', () => {})
    const chunks: AsyncIterableIterator<Buffer> = content.iterator({ destroyOnReturn: false })
    work = work
      .then(async () => {
        // A form has a file without a name where none was chosen.
        if (failure === undefined && filename) await take(name, filename, chunks)
      })
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => {
        open.delete(content)
        // What is not wanted is still read, so that the rest of the form comes, and the browser the answer.
        void chunks.return?.().then(
          () => content.resume(),
          () => {},
        )
      })
  })
  try {
    await pipeline(Readable.fromWeb(request.body as WebStream), limited(maxBytes), parser)
  } catch (error) {
    // Nothing more comes: what waits for it must not wait for ever.
    for (const content of open) content.destroy(error as Error)
    await work
    throw error instanceof Refusal || request.signal.aborted
      ? error
      : new Refusal(400, 'The form did not arrive whole.')
  }
  await work
  if (failure !== undefined) throw failure.error
  return fields
}

function parserOf(headers: BusboyHeaders): InstanceType<typeof Busboy> {
  try {
    return new Busboy({ headers, limits: LIMITS })
  } catch {
    throw new Refusal(400, 'The form has no boundary.')
  }
}

/** Lets so many bytes through. */
function limited(maxBytes: number): (source: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array> {
  return async function* (source) {
    let bytes = 0
    for await (const chunk of source) {
      bytes += chunk.byteLength
      if (bytes > maxBytes * PATIENCE) break
      if (bytes <= maxBytes) yield chunk
    }
    if (bytes > maxBytes) throw new Refusal(413, `All files together are larger than ${megabytes(maxBytes)}.`)
  }
}

/** Reads what is left of a small request that is refused: an answer that comes before can be lost with the connection. */
export async function readRest({ body, bodyUsed }: Request): Promise<void> {
  if (body === null || bodyUsed) return
  let bytes = 0
  for await (const chunk of Readable.fromWeb(body as WebStream)) {
    bytes += chunk.byteLength
    if (bytes > MAX_REST_BYTES) break
  }
}
