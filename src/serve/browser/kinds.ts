import { guessType } from '../../core/mime.ts'
import type { Entry } from '../../storage/types.ts'

/** How the page shows a file. */
export type Kind = 'folder' | 'image' | 'audio' | 'video' | 'markdown' | 'text' | 'other'

/** Images that every browser shows. A drawing (SVG) runs no script in an `<img>`. */
const IMAGES: ReadonlySet<string> = new Set(
  'apng avif bmp gif jpeg png svg+xml vnd.microsoft.icon webp x-icon'.split(' ').map(subtype => `image/${subtype}`),
)
const VIDEOS: ReadonlySet<string> = new Set(
  'mp4 ogg quicktime webm x-m4v'.split(' ').map(subtype => `video/${subtype}`),
)
const TEXTS: ReadonlySet<string> = new Set(
  'ecmascript graphql javascript json json5 node rtf sql toml x-httpd-php x-ndjson x-sh x-tex xml yaml x-yaml'
    .split(' ')
    .map(subtype => `application/${subtype}`),
)

/** Returns the media type of an entry, without parameters; from its name where the listing has none. */
export function typeOf({ name, contentType }: Entry): string | undefined {
  const type = contentType ?? guessType(name).contentType
  return type?.replace(/;.*/s, '').trim().toLowerCase()
}

/**
 * Returns how an entry is shown, by its media type. The page looks for bytes of 0 before it shows a file as text, so a wrong guess does no
 * harm.
 */
export function kindOf(entry: Entry): Kind {
  if (entry.isDirectory) return 'folder'
  const type = typeOf(entry)
  if (type === 'text/markdown' || /\.(?:md|markdown)$/i.test(entry.name)) return 'markdown'
  // A file of unknown type may be text. `.ts` is the extension of a video format, but nearly always TypeScript.
  if (type === undefined || type === 'video/mp2t') return 'text'
  if (IMAGES.has(type)) return 'image'
  if (VIDEOS.has(type)) return 'video'
  if (type.startsWith('audio/')) return 'audio'
  return type.startsWith('text/') || TEXTS.has(type) || /\+(?:json|xml)$/.test(type) ? 'text' : 'other'
}
