import type { CallContext } from '../../core/call.ts'
import type { ListedFile, Page, PageRequest } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { textOf } from '../../remote/answers.ts'
import { checkedPage } from '../../remote/page-range.ts'
import type { DropboxClient } from './client.ts'
import { classifyDropbox, dropboxErrorOf, type Fields, fieldsOf, tagOf } from './errors.ts'
import { metadataOf } from './metadata.ts'
import { isAlike, pathOf } from './names.ts'

const MAX_ENTRIES = 2000
const EMPTY: Page = { files: [], directories: [] }

/**
 * One page of a folder, in Dropbox's own order. A missing folder and a file have an empty page. If Dropbox has reset the listing (`reset`),
 * the code is `unavailable`, see `isReset`. (https://www.dropbox.com/developers/documentation/http/documentation#files-list_folder)
 */
export async function listedPage(
  client: DropboxClient,
  prefix: string,
  request: PageRequest,
  ctx: CallContext,
): Promise<Page> {
  const { token, recursive, limit } = request
  const first = { path: pathOf(prefix), recursive, ...(limit !== undefined && { limit: Math.min(MAX_ENTRIES, limit) }) }
  const [path, arg] =
    token === undefined ? ['files/list_folder', first] : ['files/list_folder/continue', { cursor: token }]
  const options = { fields: ['cursor', 'has_more'], lists: ['entries'], reads: true }
  try {
    return pageOf(await client.rpc(path!, arg as object, ctx, options), prefix, request)
  } catch (error) {
    const code = classifyDropbox(error)
    if (code === 'not_found' || code === 'not_a_directory') return EMPTY
    if (!isReset(error)) throw error
    const text = 'Dropbox has reset this listing: it must be restarted.'
    throw new StorageError('unavailable', text, { cause: error, retryable: false, outcome: 'not_applied' })
  }
}

/** Whether an error means that a listing must be restarted. */
export function isReset(error: unknown): boolean {
  return dropboxErrorOf(error)?.tags.includes('reset') === true
}

/** The page in an answer. An entry of another kind, or without a name, is left out. */
function pageOf({ entries, cursor, has_more: more }: Fields, prefix: string, request: PageRequest): Page {
  const files: ListedFile[] = []
  const directories: string[] = []
  for (const entry of entries as unknown[]) {
    const fields = fieldsOf(entry)
    const key = keyOf(fields, prefix)
    if (key === undefined) continue
    if (tagOf(entry) === 'folder' && !request.recursive) directories.push(`${key}/`)
    if (tagOf(entry) === 'file') files.push({ key, ...metadataOf(fields).stat })
  }
  const next = more === true ? textOf(cursor) : undefined
  if (more !== false && next === undefined) {
    throw new StorageError('unavailable', 'The listing has no cursor for the next page.', { outcome: 'not_applied' })
  }
  return checkedPage({ files, directories, next }, prefix, request)
}

/** The key of an entry below the prefix, which is kept as requested: Dropbox may return the parent names in another case. */
function keyOf({ path_display: shown, path_lower: lower }: Fields, prefix: string): string | undefined {
  const [root = '', ...parts] = (textOf(shown) ?? textOf(lower) ?? '').split('/')
  const above = prefix.split('/').length - 1
  const below = parts.slice(above)
  const isBelow = isAlike(parts.slice(0, above).join('/'), prefix.slice(0, -1))
  return root === '' && isBelow && below.length > 0 && !below.includes('') ? prefix + below.join('/') : undefined
}
