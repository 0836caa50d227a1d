import type { BrotliOptions, ZlibOptions } from 'node:zlib'
import { readBytes, type WithBody } from '../core/body.ts'
import { nodeZlib } from '../core/builtin.ts'
import { StorageError } from '../core/errors.ts'

/** An answer whose body is a document: XML, JSON or plain text. */
export interface DocumentAnswer extends WithBody {
  readonly headers?: { readonly 'content-encoding'?: string | undefined } | undefined
}

/** Maximum size in bytes of an answer that is parsed as a document. */
export const MAX_DOCUMENT_BYTES: number = 16 * 1024 * 1024

/**
 * The text of a document. Content that a proxy compressed (gzip, deflate, br) is decompressed. Code `too_large` for more than `limit`
 * bytes, compressed or not; `unavailable` if the connection broke, or if the bytes are not compressed as the answer states.
 */
export async function readDocument(answer: DocumentAnswer, limit: number = MAX_DOCUMENT_BYTES): Promise<string> {
  const bytes = await readBytes(answer, limit)
  const encoding = answer.headers?.['content-encoding']?.trim().toLowerCase() ?? ''
  return (bytes.byteLength === 0 ? bytes : await unpacked(bytes, encoding, limit)).toString('utf8')
}

type Unpack = (bytes: Buffer, options: ZlibOptions & BrotliOptions, done: Done) => void
type Done = (error: Error | null, result: Buffer) => void

function unpackOf(encoding: string): Unpack | undefined {
  if (encoding === 'gzip' || encoding === 'x-gzip' || encoding === 'deflate') return nodeZlib().unzip
  return encoding === 'br' ? nodeZlib().brotliDecompress : undefined
}

function unpacked(bytes: Buffer, encoding: string, limit: number): Promise<Buffer> | Buffer {
  const unpack = unpackOf(encoding)
  if (unpack === undefined) return bytes
  return new Promise((resolve, reject) => {
    unpack(bytes, { maxOutputLength: limit }, (error, result) => {
      if (error === null) resolve(result)
      else reject(failure(error, limit))
    })
  })
}

function failure(error: Error & { readonly code?: string }, limit: number): StorageError {
  if (error.code === 'ERR_BUFFER_TOO_LARGE') {
    return new StorageError('too_large', `The answer has more than ${limit} bytes.`)
  }
  return new StorageError('unavailable', 'The answer is not compressed as its Content-Encoding states.')
}
