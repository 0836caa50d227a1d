import { SuspiciousFileOperation } from './errors.ts'
import { isHidden } from './hidden-names.ts'

/** Maximum size in bytes of one component on all usual file systems (NAME_MAX). */
export const MAX_COMPONENT_BYTES: number = 255

const WINDOWS_DEVICE =
  /^(con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)(\..*)?$/i
const WINDOWS_BAD = /[<>:"|?*\\\u0000-\u001f]|[. ]$/

/**
 * Returns the components of a key ('' has none). A key that the file system cannot store, or that is not normalised, is `suspicious_name`.
 */
export function keyComponents(key: string, platform: string = process.platform): readonly string[] {
  if (key === '') return []
  if (key.includes('\0')) throw refused(key, 'it contains a NUL character')
  if (/\p{Surrogate}/u.test(key)) throw refused(key, 'it contains half a surrogate pair, which has no UTF-8 form')
  const components = key.split('/')
  for (const component of components) {
    if (component === '' || component === '.' || component === '..')
      throw refused(key, 'it is not a clean relative path')
    if (component.length > 85 && Buffer.byteLength(component) > MAX_COMPONENT_BYTES) {
      throw refused(key, `a component is longer than ${MAX_COMPONENT_BYTES} bytes`)
    }
    if (isHidden(component)) throw refused(key, "it is reserved for the storage's own files ('.holdall-...')")
    if (platform === 'win32' && (WINDOWS_BAD.test(component) || WINDOWS_DEVICE.test(component))) {
      throw refused(key, 'Windows does not allow it')
    }
  }
  return components
}

/** Returns the error for a rejected name, with the beginning of the name and the reason. */
export function refused(key: string, reason: string): SuspiciousFileOperation {
  const shown = JSON.stringify(key.length > 80 ? `${key.slice(0, 77)}...` : key)
  return new SuspiciousFileOperation(`The name ${shown} cannot be used: ${reason}.`)
}
