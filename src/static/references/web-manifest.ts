import { mayNameFile } from './file-url.ts'
import { jsonReference } from './json/reference.ts'
import { jsonStrings } from './json/strings.ts'
import type { ReferenceFinder } from './reference.ts'

/** Paths of images; a number is any index. (Web Application Manifest, image resources; Manifest incubations) */
const IMAGES: readonly (readonly (string | number)[])[] = [
  ['icons', 0, 'src'],
  ['screenshots', 0, 'src'],
  ['shortcuts', 0, 'icons', 0, 'src'],
]

/**
 * Finds the images of a web app manifest: `src` of its icons, screenshots, and icons of shortcuts. Members that name pages (`start_url`,
 * `scope`) do not count. Throws a `SyntaxError` where the text is not JSON.
 */
export const webManifestReferences: ReferenceFinder = text =>
  jsonStrings(text, 5)
    .filter(({ path, value }) => IMAGES.some(image => matches(path, image)) && mayNameFile(value))
    .map(string => jsonReference('asset', string))

function matches(path: readonly (string | number)[], wanted: readonly (string | number)[]): boolean {
  return (
    path.length === wanted.length &&
    path.every((key, at) => (typeof key === 'number' ? wanted[at] === 0 : wanted[at] === key))
  )
}
