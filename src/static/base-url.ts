import { isStorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'

/** A folder, whose URL has no hash. */
const PROBE = 'holdall/'

/** What the URLs of a storage's files begin with, and why there is no such beginning. */
export interface BaseUrl {
  readonly url: string | undefined
  readonly problem: string | undefined
}

/** Finds what the URLs of a storage begin with: none where it has no URLs, or signs each of them. No request is made. */
export async function baseUrlOf(storage: AnyStorage): Promise<BaseUrl> {
  let url: string
  try {
    url = await storage.url(PROBE)
  } catch (error) {
    if (!isStorageError(error, 'unsupported', 'improperly_configured')) throw error
    return { url: undefined, problem: `its files have no URLs (${error.message})` }
  }
  if (url.endsWith(`/${PROBE}`) || url === PROBE) return { url: url.slice(0, -PROBE.length), problem: undefined }
  return {
    url: undefined,
    problem: 'it signs the URL of each file, and the references in stylesheets carry no signature',
  }
}
