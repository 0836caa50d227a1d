import { deserialize, serialize } from 'bson'

/** A BSON document. */
export type Document = Record<string, unknown>

/** A command: its name is its first key. */
export type Command = Document & { readonly $db: string }

/** A deep copy with the types of BSON. */
export function clone(document: Document): Document {
  return deserialize(serialize(document))
}

/** The same text for the same value: what keys of indexes and comparisons of whole documents use. */
export function keyOf(value: unknown): string {
  return Buffer.from(serialize({ v: value ?? null })).toString('latin1')
}
