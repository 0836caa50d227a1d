/**
 * Metadata names at Azure are identifiers: letters, digits and `_`, and no digit first. Any other character of a portable name is stored as
 * `_x2d_`, with its code in hexadecimal, and so is a `_` that would look like the start of such an escape.
 * (https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#metadata-names)
 */
export function storedNames<V>(metadata: Readonly<Record<string, V>>): Record<string, V> {
  return renamed(metadata, name => name.toLowerCase().replace(OTHER, escaped))
}

/** The same metadata by its original names. */
export function userNames<V>(metadata: Readonly<Record<string, V>>): Record<string, V> {
  return renamed(metadata, name =>
    name.replace(ESCAPED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  )
}

const OTHER = /^[0-9]|[^a-z0-9_]|_(?=x[0-9a-f]{2}_)/g
const ESCAPED = /_x([0-9a-f]{2})_/g

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  // Names outside ASCII are refused when they become headers.
  return code < 128 ? `_x${code.toString(16).padStart(2, '0')}_` : character
}

function renamed<V>(values: Readonly<Record<string, V>>, change: (name: string) => string): Record<string, V> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [change(name), value]))
}
