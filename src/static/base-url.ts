import { isStorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'

/** A folder, whose URL has no hash. */
const PROBE = 'holdall/'

/** What the URLs of a storage's files begin with, and why there is no such beginning. */
export interface BaseUrl {
  readonly url: string | undefined
  readonly problem: string | undefined
  /** Whether the storage signs its URLs. */
  readonly isSigned: boolean
}

const SIGNED: BaseUrl = {
  url: undefined,
  problem: 'it signs the URL of each file, and the references in stylesheets carry no signature',
  isSigned: true,
}

/** Finds what the URLs of a storage begin with: none where it has no URLs, or signs each of them. No request is made. */
export async function baseUrlOf(storage: AnyStorage): Promise<BaseUrl> {
  let url: string
  try {
    url = await storage.url(PROBE)
  } catch (error) {
    // A folder has a URL, but no signature.
    if (isStorageError(error, 'suspicious_name')) return SIGNED
    if (!isStorageError(error, 'unsupported', 'improperly_configured')) throw error
    return { url: undefined, problem: `its files have no URLs (${error.message})`, isSigned: false }
  }
  if (!url.endsWith(`/${PROBE}`) && url !== PROBE) return SIGNED
  return { url: url.slice(0, -PROBE.length), problem: undefined, isSigned: false }
}
