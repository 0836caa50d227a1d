import { SuspiciousFileOperation } from '../../core/errors.ts'
import { keyComponents } from '../../core/key-components.ts'
import { trimTrailingSlashes } from '../../core/names.ts'
import { isXmlText } from '../../remote/xml.ts'

/**
 * Refuses a key that the namespace cannot contain, as `suspicious_name`: empty parts, `.` and `..`, parts of more than 255 bytes, and
 * control characters, which no listing could contain. The key of a folder may end in its slash.
 */
export function checkKey(key: string): void {
  const components = keyComponents(trimTrailingSlashes(key), 'posix')
  if (components.length > 0 && isXmlText(key)) return
  throw new SuspiciousFileOperation(`The name ${JSON.stringify(key.slice(0, 80))} has control characters, or is empty.`)
}

/** The folder of a path: '', or a path with its slash. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}
