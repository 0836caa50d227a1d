/**
 * What a reference is: the file of a picture, font or stylesheet; a JavaScript module; or a source map, whose absence hurts no page.
 */
export type ReferenceKind = 'asset' | 'module' | 'sourceMap'

/** A place in a text that names another file. */
export interface Reference {
  readonly kind: ReferenceKind
  /** The URL as a browser reads it: escapes of the language are undone, percent-encoding is not. */
  readonly url: string
  /** Where in the text another URL is put in, in UTF-16 units; `end` is exclusive. */
  readonly start: number
  readonly end: number
  /** The text from `start` to `end` for another URL, with the quotes and escapes that it needs. */
  write(url: string): string
}

/**
 * Finds the references in a text, in their order and without overlaps. What only looks like one (in a comment, a string, an escaped
 * selector) is none. Throws a `SyntaxError` where the text cannot be read; its message says what and in which line.
 */
export type ReferenceFinder = (text: string) => readonly Reference[] | Promise<readonly Reference[]>
