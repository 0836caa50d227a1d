import other from 'mime/types/other.js'
import standard from 'mime/types/standard.js'

/**
 * Returns the media type of each extension, without a dot and in lower case, from the tables of `mime`. The build replaces this file by its
 * result as text: `mime` is not a dependency of the package, the tables cost nothing at import, and a bundler has nothing to resolve.
 */
export function mediaTypes(): Record<string, string> {
  const types: Record<string, string> = {}
  for (const table of [other, standard]) {
    for (const [type, extensions] of Object.entries(table)) {
      // A star marks an extension that primarily belongs to another type.
      for (const extension of extensions) if (!extension.startsWith('*')) types[extension] = type
    }
  }
  return types
}
