import { isStorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'

/** A folder, whose URL has no hash. */
const PROBE = 'holdall/'

/** What the URLs of a storage's files begin with, or why they have no common beginning. */
export interface BaseUrl {
  readonly url: string | undefined
  /** What is wrong, and the remedy, as a sentence. */
  readonly problem: string | undefined
  /** Whether the storage signs its URLs. */
  readonly isSigned: boolean
}

/** Finds what the URLs of a storage begin with: none where it has no URLs, or signs each of them. No request is made. */
export async function baseUrlOf(storage: AnyStorage): Promise<BaseUrl> {
  const { urlSigning } = storage
  const { name } = storage.constructor
  if (urlSigning !== undefined) {
    const problem = `${name} signs the URL of each file, and the references in stylesheets carry no signature: ${urlSigning.remedy}.`
    return { url: undefined, problem, isSigned: true }
  }
  try {
    const url = await storage.url(PROBE)
    if (url.endsWith(PROBE)) return { url: url.slice(0, -PROBE.length), problem: undefined, isSigned: false }
    return { url: undefined, problem: `URLs of ${name} do not end with the names of files.`, isSigned: false }
  } catch (error) {
    if (!isStorageError(error, 'unsupported', 'improperly_configured')) throw error
    return { url: undefined, problem: `${name} has no URLs: ${error.message}`, isSigned: false }
  }
}
