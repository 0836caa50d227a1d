import type { NameOrContainer } from '../../storage/containers.ts'
import type { Entry } from '../../storage/types.ts'

/** Further properties of an object. */
export interface ObjectExtra {
  readonly contentType?: string | undefined
  readonly lastModified?: Date | undefined
}

/** An object in a container. Passed to the driver's methods, it identifies exactly the object that was listed. */
export interface LibCloudObject {
  readonly name: string
  /** Size of the stored bytes; NaN if a listing does not contain it, as at Nimbus.io. */
  readonly size: number
  /** The etag: at most services the MD5 of an object that was stored in one part. Null if the service has none. */
  readonly hash: string | null
  readonly extra: ObjectExtra
  /** Metadata; empty in listings, which do not contain it. */
  readonly metaData: Readonly<Record<string, string>>
  readonly container: { readonly name: string }
}

/** An object, or its container and its name. */
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

/** The entry of an object, otherwise its name. */
export function entryOrName(given: ObjectOrNames): Entry | string {
  return entries.get(given) ?? given.name
}
