import type { NameOrContainer } from '../../storage/containers.ts'
import type { Entry } from '../../storage/types.ts'

/** What libcloud tells of an object besides. */
export interface ObjectExtra {
  readonly contentType?: string | undefined
  readonly lastModified?: Date | undefined
}

/** An object in a container. It stands for exactly the object that was listed. */
export interface LibCloudObject {
  readonly name: string
  /** Stored bytes. */
  readonly size: number
  /** What changes with the bytes: an MD5 at most services for objects of one part. Null where the service does not tell. */
  readonly hash: string | null
  readonly extra: ObjectExtra
  /** Metadata; empty in listings, which do not tell it. */
  readonly metaData: Readonly<Record<string, string>>
  readonly container: { readonly name: string }
}

/** An object: by itself, or by its container and its name. */
export type ObjectOrNames = LibCloudObject | { readonly container: NameOrContainer; readonly name: string }

const entries = new WeakMap<object, Entry>()

/** The object of an entry. */
export function objectOf(entry: Entry, container: string): LibCloudObject {
  const { name, size, etag, contentType, modifiedAt, metadata = {} } = entry
  const made: LibCloudObject = {
    name,
    size,
    hash: etag ?? null,
    extra: { contentType, lastModified: modifiedAt },
    metaData: metadata,
    container: { name: container },
  }
  entries.set(made, entry)
  return made
}

/** The entry that an object was made of, else its name. */
export function entryOrName(given: ObjectOrNames): Entry | string {
  return entries.get(given) ?? given.name
}
