import { isStorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { signedUrlsProblem } from '../storage/url-signing.ts'

/** A folder name, whose URL has no hash. */
const PROBE = 'holdall/'

/** The common prefix of the URLs of a storage's files, or why they have none. */
export interface BaseUrl {
  readonly url: string | undefined
  /** The problem and its remedy, as the end of a sentence. */
  readonly problem: string | undefined
  /** Whether the storage signs its URLs. */
  readonly isSigned: boolean
}

/** Determines the common prefix of a storage's URLs: none where it has no URLs, or signs each of them. Sends no request. */
export async function baseUrlOf(storage: AnyStorage): Promise<BaseUrl> {
  const problem = signedUrlsProblem(storage)
  if (problem !== undefined) return { url: undefined, problem, isSigned: true }
  try {
    const url = await storage.url(PROBE)
    if (url.endsWith(PROBE)) return { url: url.slice(0, -PROBE.length), problem: undefined, isSigned: false }
    return { url: undefined, problem: 'its URLs do not end with the names of files', isSigned: false }
  } catch (error) {
    if (!isStorageError(error, 'unsupported', 'improperly_configured')) throw error
    return { url: undefined, problem: error.message.replace(/\.$/, ''), isSigned: false }
  }
}
