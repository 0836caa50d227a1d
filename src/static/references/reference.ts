/**
 * The kind of a reference: the file of a picture, font or stylesheet; a JavaScript module; or a source map, without which pages still work.
 */
export type ReferenceKind = 'asset' | 'module' | 'sourceMap'

/** A position in a text that names another file. */
export interface Reference {
  readonly kind: ReferenceKind
  /** The URL as a browser reads it: escapes of the language are decoded, percent-encoding is not. */
  readonly url: string
  /** Position in the text at which another URL is inserted, in UTF-16 units; `end` is exclusive. */
  readonly start: number
  readonly end: number
  /** Returns the text from `start` to `end` for another URL, with the necessary quotes and escapes. */
  write(url: string): string
}

/**
 * Finds the references in a text, in their order and without overlaps. Text that only looks like one (in a comment, a string, an escaped
 * selector) does not count. Throws a `SyntaxError` where the text cannot be read; its message contains the reason and the line.
 */
export type ReferenceFinder = (text: string) => readonly Reference[] | Promise<readonly Reference[]>
