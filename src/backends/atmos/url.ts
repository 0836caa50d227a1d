import type { RequestOptions, SignUrlOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { checkLifetime } from '../../core/urls.ts'
import { dispositionText } from '../../remote/parameters.ts'
import type { AtmosClient } from './client.ts'

/** 7 days, as in libcloud. */
export const URL_LIFE_SECS = 604_800
/** 10 years: the service itself sets no limit. */
const MAX_LIFE_SECS = 315_360_000

/**
 * A shareable URL. It only supports GET and can set the disposition of its answer; code `unsupported` for other methods and headers. (Atmos
 * Programmer's Guide, "Shareable URLs")
 */
export function signedUrl(client: AtmosClient, path: string, options: SignUrlOptions & RequestOptions): string {
  const { method, expiresInSecs, contentDisposition, parameters = {}, objectParameters: _, ...others } = options
  if (method !== 'GET') throw unsupported(`Atmos has URLs for GET, none for ${method}.`)
  const other = Object.entries({ ...others, ...parameters }).find(([, value]) => value !== undefined)?.[0]
  if (other !== undefined) throw unsupported(`A shareable URL cannot have '${other}'.`)
  const secs = checkLifetime(expiresInSecs, MAX_LIFE_SECS, 'a shareable URL')
  const disposition =
    contentDisposition === undefined ? undefined : dispositionText('contentDisposition', contentDisposition)
  return client.shareableUrl(path, secs, disposition)
}

function unsupported(text: string): StorageError {
  return new StorageError('unsupported', text)
}
