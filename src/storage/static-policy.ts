import type { AnyBase } from './base.ts'

/** How static files are collected into a storage, as the storage's class says. What the program says itself wins. */
export interface StaticPolicy {
  /** Names get hashes, and a manifest keeps them; undefined: names stay as they are. */
  readonly manifest?: ManifestPolicy | undefined
  /** Whether compressed siblings (`a.css.gz`) are made. */
  readonly compress?: boolean | undefined
}

/** The manifest of a storage. */
export interface ManifestPolicy {
  readonly name: string
  /** Holds the manifest: the storage itself, or the one that `manifestStorage` names. */
  readonly storage: AnyBase
  /** Whether a name that the manifest has not is an error. */
  readonly strict: boolean
  /** Whether the files also stay under their own names. */
  readonly keepOriginals: boolean
  /** Discards what was read of the manifest, so that the next URL reads it again: to be called when files were collected. */
  forget(): void
}
