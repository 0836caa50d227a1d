import type { AnyStorage } from '../storage/storage.ts'
import type { CompressPlan } from './compress.ts'
import type { HeaderRules } from './headers.ts'
import type { Linker } from './links.ts'
import type { ManifestPlan } from './options.ts'
import type { CollectOptions, Finder, IsIgnored, StaticFile } from './types.ts'

/** The options of a run, with defaults. */
export interface RunPlan {
  readonly storage: AnyStorage
  readonly finders: readonly Finder[]
  readonly isIgnored: IsIgnored
  readonly baseUrls: readonly string[]
  readonly manifest: ManifestPlan | undefined
  readonly compress: CompressPlan | undefined
  readonly rules: HeaderRules
  /** Names that programs use for built files of bundlers. */
  readonly bundled: ReadonlyMap<string, string>
  /** Built files: they keep their names. The value states whether these change with the content. */
  readonly built: ReadonlyMap<string, boolean>
  readonly isLenient: (name: string) => boolean
  readonly signal: AbortSignal
  readonly options: CollectOptions
}

/** The sources of a run, for every pass over the target. */
export interface Collected {
  readonly sources: ReadonlyMap<string, StaticFile>
  /** The manifest's name in the target; undefined where it is stored elsewhere. */
  readonly manifestName: string | undefined
  /** Undefined where files are copied. */
  readonly linker: Linker | undefined
}
