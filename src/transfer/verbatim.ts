import type { AnyStorage } from '../storage/storage.ts'

/** Services that store a file under any key, without a change to the key. */
const FLAT: ReadonlySet<string> = new Set(['s3', 'gcs', 'azure', 'swift', 'rackspace'])
/**
 * Those whose requests also keep the parts `.` and `..`, although a server in between may resolve them: it breaks the signature of S3, and
 * Google Cloud Storage gets the slashes around them encoded. A request with a token has no such protection.
 */
const KEEP_DOTS: ReadonlySet<string> = new Set(['s3', 'gcs'])
const DOTS = /(?:^|\/)\.{1,2}(?:\/|$)/

/** Returns whether a file has the same key in both places, although a storage would normalise its name: `a//b`, `/a`, `back\slash`. */
export function verbatimNames(source: AnyStorage, target: AnyStorage): (name: string) => boolean {
  const names = [source, target].map(({ calls }) => calls.driver.name)
  if (!names.every(name => FLAT.has(name))) return () => false
  const keepDots = names.every(name => KEEP_DOTS.has(name))
  return name => name.isWellFormed() && (keepDots || !DOTS.test(name))
}
