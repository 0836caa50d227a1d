/** `files/download`, and bytes of a file in any answer. */
import { readRange } from '../strict/range.ts'
import type { DropboxAnswer, OperationContext } from './context.ts'
import { DropboxError, within } from './errors.ts'
import type { downloadArg } from './fields.ts'
import { fileMetadata } from './metadata.ts'
import { fileAt } from './paths.ts'
import type { DropboxRequest } from './request.ts'
import type { Read } from './schema.ts'
import type { Revision } from './tree.ts'

/** JSON that is safe in a header (https://www.dropbox.com/developers/reference/json-encoding). */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function unsatisfiable(headers: Readonly<Record<string, string>>): DropboxError {
  return new DropboxError(416, 'range_not_satisfiable', 'Requested Range Not Satisfiable', { form: 'text' }, headers)
}

/** Answers with the bytes of a revision, or the part of them that is asked for. */
export function bytesAnswer(
  request: DropboxRequest,
  { body, rev }: Revision,
  more: Readonly<Record<string, string>>,
): DropboxAnswer {
  const headers = { etag: `W/"${rev}"`, 'accept-ranges': 'bytes', ...more }
  if (request.headers['if-none-match'] === headers.etag) return { status: 304, headers }
  const range = readRange(request.headers['range'], body.length, unsatisfiable)
  if (range === undefined) return { status: 200, headers, body }
  const { start, end } = range
  const contentRange = { 'content-range': `bytes ${start}-${end - 1}/${body.length}` }
  return { status: 206, headers: { ...headers, ...contentRange }, body: body.subarray(start, end) }
}

/** `files/download`. */
export function download(context: OperationContext, { path, rev }: Read<typeof downloadArg>): DropboxAnswer {
  const { node, revision } = within('path', () => fileAt(context, rev === undefined ? path : `rev:${rev}`))
  return bytesAnswer(context.request, revision, {
    'content-type': 'application/octet-stream',
    'cache-control': 'no-cache',
    'original-content-length': String(revision.body.length),
    'dropbox-api-result': asciiJson(fileMetadata(context.base, node, revision)),
  })
}
