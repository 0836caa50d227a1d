import type { AnyStorage } from './storage.ts'

/**
 * Returns why the URLs of a storage cannot be used for static files, with the remedy; undefined where they are plain. A browser that
 * follows a reference in a stylesheet sends the URL without the signature of the stylesheet, and gets 403.
 */
export function signedUrlsProblem(storage: AnyStorage): string | undefined {
  const signing = storage.urlSigning
  if (signing === undefined) return undefined
  return `its URLs are signed, and the references in stylesheets and modules carry no signature: ${signing.remedy}`
}
