import type { AnyBase } from './base.ts'

/** How static files are collected into a storage, as its class defines it. Options of the program override it. */
export interface StaticPolicy {
  /** Keeps the hashed names in a manifest; undefined: the names have no hashes. */
  readonly manifest?: ManifestPolicy | undefined
  /** Whether compressed siblings (`a.css.gz`) are made. */
  readonly compress?: boolean | undefined
}

/** The manifest of a storage. */
export interface ManifestPolicy {
  readonly name: string
  /** The storage that holds the manifest: the storage itself, or the one that `manifestStorage` names. */
  readonly storage: AnyBase
  /** Whether a name that is not in the manifest is an error. */
  readonly strict: boolean
  /** Whether the files are also stored under their original names. */
  readonly keepOriginals: boolean
  /** Discards the manifest that was read, so that the next URL reads it again. Call it after files were collected. */
  forget(): void
}
