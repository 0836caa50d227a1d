import { release } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import type { ReadOptions, ReadResult } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { HttpResponse } from '../../http/request.ts'
import { jsonOf } from '../../remote/answers.ts'
import { sizeOf } from '../../remote/headers.ts'
import { readObject } from '../../remote/reading.ts'
import { type DropboxClient, RESULT_HEADER } from './client.ts'
import { classifyDropbox, type Fields, fieldsOf } from './errors.ts'
import { type Metadata, versionAt, versionPath } from './metadata.ts'

/**
 * Reads a file or a range of it. A complete read is compared with the stored content hash. The answer contains the revision of its bytes.
 * (https://www.dropbox.com/developers/documentation/http/documentation#files-download)
 */
export async function readStored(
  client: DropboxClient,
  key: string,
  { range, ifMatch, versionId }: ReadOptions,
  ctx: CallContext,
): Promise<ReadResult> {
  let found: Metadata | undefined
  const get = async ({ range: bytes }: Readonly<Record<string, string>>): Promise<HttpResponse> => {
    const answer = await client.download('files/download', { path: versionPath(key, versionId) }, bytes, ctx)
    try {
      found = versionAt(resultOf(answer), key, versionId)
      checkAnswer(answer, found, ifMatch)
      return answer
    } catch (error) {
      release(answer)
      throw error
    }
  }
  const statOf = () => found!.stat
  const protocol = { get, statOf, matchHeader: (etag: string) => etag, classify: classifyDropbox }
  const { body } = await readObject(protocol, { range })
  return { body, stat: found!.stat }
}

/** The metadata that is sent with the bytes. */
function resultOf({ headers }: HttpResponse): Fields {
  const text = headers[RESULT_HEADER]
  // Node reads headers as Latin-1; JSON outside ASCII is UTF-8.
  return fieldsOf(typeof text === 'string' ? jsonOf(Buffer.from(text, 'latin1').toString('utf8')) : undefined)
}

function checkAnswer({ headers }: HttpResponse, { stat: { size, etag } }: Metadata, ifMatch: string | undefined): void {
  if (ifMatch !== undefined && etag !== ifMatch) {
    throw new StorageError('precondition_failed', 'The file has another revision.')
  }
  const told = sizeOf(headers)
  if (told === undefined || told === size) return
  throw new StorageError('unavailable', `The answer has ${told} bytes of a file of ${size}.`, {
    outcome: 'not_applied',
  })
}
