import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import { checkSeconds } from '../../core/urls.ts'
import { textOf } from '../../remote/answers.ts'
import type { DropboxClient } from './client.ts'
import { dropboxErrorOf, type Fields, fieldsOf } from './errors.ts'
import { pathOf } from './names.ts'

/**
 * Lifetime of a temporary link in seconds, which Dropbox fixes.
 * (https://www.dropbox.com/developers/documentation/http/documentation#files-get_temporary_link)
 */
export const LINK_SECS: number = 4 * 3600

/** Checks the lifetime of a link for an upload: 60 to 14,400 seconds, else `invalid_argument`; returns it in whole seconds. */
export function checkLinkLife(secs: number): number {
  checkSeconds(secs)
  if (secs >= 60 && secs <= LINK_SECS) return secs
  throw new StorageError('invalid_argument', `expiresInSecs: expected 60 to ${LINK_SECS} seconds, got ${secs}.`)
}

/** A link to the bytes of a file, for 4 hours. */
export async function temporaryLink(client: DropboxClient, key: string, ctx: CallContext): Promise<string> {
  const options = { fields: ['link'], reads: true }
  return linkIn(await client.rpc('files/get_temporary_link', { path: pathOf(key) }, ctx, options), 'link')
}

/**
 * A link to which anyone can POST the bytes of the file, once.
 * (https://www.dropbox.com/developers/documentation/http/documentation#files-get_temporary_upload_link)
 */
export async function uploadLink(
  client: DropboxClient,
  commit: object,
  secs: number,
  ctx: CallContext,
): Promise<string> {
  const arg = { commit_info: commit, duration: secs }
  return linkIn(
    await client.rpc('files/get_temporary_upload_link', arg, ctx, { fields: ['link'], reads: true }),
    'link',
  )
}

/**
 * The shared link of a file, which is created if there is none. `raw=1` returns the bytes instead of an HTML page.
 * (https://help.dropbox.com/share/force-download)
 */
export async function sharedLink(client: DropboxClient, key: string, ctx: CallContext): Promise<string> {
  const path = pathOf(key)
  const url = new URL((await madeLink(client, path, ctx)) ?? (await oldLink(client, path, ctx)))
  url.searchParams.delete('dl')
  url.searchParams.set('raw', '1')
  return url.href
}

/** A new link; undefined if the file already has one that the answer does not contain. */
async function madeLink(client: DropboxClient, path: string, ctx: CallContext): Promise<string | undefined> {
  try {
    return linkIn(
      await client.rpc('sharing/create_shared_link_with_settings', { path }, ctx, { fields: ['url'] }),
      'url',
    )
  } catch (error) {
    if (dropboxErrorOf(error)?.tags[0] !== 'shared_link_already_exists') throw error
    return undefined
  }
}

async function oldLink(client: DropboxClient, path: string, ctx: CallContext): Promise<string> {
  const arg = { path, direct_only: true }
  const { links } = await client.rpc('sharing/list_shared_links', arg, ctx, { lists: ['links'], reads: true })
  return linkIn(fieldsOf((links as unknown[])[0]), 'url')
}

function linkIn(answer: Fields, name: string): string {
  const link = textOf(answer[name]) ?? ''
  if (URL.canParse(link) && /^https?:$/.test(new URL(link).protocol)) return link
  throw new StorageError('unavailable', 'The answer has no link.', { outcome: 'not_applied' })
}
