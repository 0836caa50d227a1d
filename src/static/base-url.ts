import { isStorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { signedUrlsProblem } from '../storage/url-signing.ts'

/** A folder, whose URL has no hash. */
const PROBE = 'holdall/'

/** What the URLs of a storage's files begin with, or why they have no common beginning. */
export interface BaseUrl {
  readonly url: string | undefined
  /** What is wrong, and the remedy, as the end of a sentence. */
  readonly problem: string | undefined
  /** Whether the storage signs its URLs. */
  readonly isSigned: boolean
}

/** Finds what the URLs of a storage begin with: none where it has no URLs, or signs each of them. No request is made. */
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
