import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { FolderItem } from '../../remote/folder-items.ts'
import { headerTextOf } from '../../remote/headers.ts'
import type { XmlNode } from '../../remote/xml.ts'
import type { AtmosClient } from './client.ts'
import { UTF8 } from './lookup.ts'
import { systemStat } from './metadata.ts'

/** Entries per answer. With their tags, a thousand are about a megabyte. */
const PAGE_SIZE = 1000

/** One answer of a listing. */
export interface FolderPage {
  readonly items: readonly FolderItem[]
  /** Number of entries, including those that are neither files nor folders. */
  readonly count: number
  /** Absent on the last page. */
  readonly next: string | undefined
}

/** One page of a folder, '' or with its slash. Missing: `not_found`. (Atmos Programmer's Guide, "Listing a directory") */
export async function folderPage(
  client: AtmosClient,
  path: string,
  { token, limit = PAGE_SIZE }: { readonly token?: string | undefined; readonly limit?: number | undefined },
  ctx: CallContext,
): Promise<FolderPage> {
  const headers: Record<string, string> = {
    ...UTF8,
    'x-emc-include-meta': '1',
    'x-emc-limit': String(Math.min(limit, PAGE_SIZE)),
    'x-emc-system-tags': 'atime,itime,mtime,size,type',
  }
  if (token !== undefined) headers['x-emc-token'] = token
  const { root, headers: said } = await client.xml({ method: 'GET', path, headers }, ctx)
  const list = root.child('DirectoryList')
  if (list === undefined) {
    throw new StorageError('unavailable', 'The listing has no DirectoryList.', { outcome: 'not_applied' })
  }
  const entries = list.children('DirectoryEntry')
  const items = entries.map(itemOf).filter(item => item !== undefined)
  return { items, count: entries.length, next: headerTextOf(said['x-emc-token']) }
}

/** The entries of a folder, page by page. A repeated token is `unavailable`. Missing: `not_found`. */
export async function* listFolder(
  client: AtmosClient,
  path: string,
  ctx: CallContext,
): AsyncGenerator<readonly FolderItem[]> {
  let token: string | undefined
  const before = new Set<string>()
  do {
    const from = token
    const page = await ctx.step('listFolder', true, step => folderPage(client, path, { token: from }, step))
    yield page.items
    token = page.next
    if (token !== undefined && before.has(token)) throw standstill()
    if (token !== undefined) before.add(token)
    ctx.progress()
  } while (token !== undefined)
}

/** The error of a listing that returns a token again. */
export function standstill(): StorageError {
  const text = 'The listing cannot continue: the service returned the same token again.'
  return new StorageError('unavailable', text, { retryable: false, outcome: 'not_applied' })
}

/** An entry; undefined for one without a name or of another kind. A file without a size in the listing is looked up. */
function itemOf(entry: XmlNode): FolderItem | undefined {
  const name = entry.child('Filename')?.text ?? ''
  const type = entry.child('FileType')?.text.trim().toLowerCase()
  if (type === 'directory') return { name: name.replace(/\/$/, ''), isDirectory: true }
  if (type !== 'regular') return undefined
  return { name, isDirectory: false, stat: statIn(entry) }
}

function statIn(entry: XmlNode): Stat | undefined {
  const tags = new Map<string, string>()
  for (const tag of entry.child('SystemMetadataList')?.children('Metadata') ?? []) {
    const name = tag.child('Name')?.text.trim()
    const value = tag.child('Value')?.text.trim()
    if (name && value !== undefined) tags.set(name, value)
  }
  const { size, modifiedAt, createdAt, accessedAt } = systemStat(tags)
  return size === undefined ? undefined : { size, modifiedAt, createdAt, accessedAt }
}
