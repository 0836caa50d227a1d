import type { Finish } from './finishing.ts'
import { Folders } from './folders.ts'
import type { OwnershipOptions } from './ownership.ts'
import { Ownership } from './ownership.ts'
import { Publication } from './publication.ts'
import { Root } from './root.ts'
import { Sessions, type SessionsOptions } from './sessions.ts'
import type { Workshop } from './temporary.ts'

/** The options of the storage that the driver needs. */
export interface SftpDriverOptions extends SessionsOptions, OwnershipOptions {
  readonly location: string
  readonly baseUrl: string | null
  readonly directWrite: boolean
  readonly fsync: boolean
}

/** The common objects of all parts of the driver. */
export type Ground = Workshop & Finish

export function groundOf(options: SftpDriverOptions): Ground {
  const root = new Root(options.location)
  const sessions = new Sessions(options)
  return {
    root,
    sessions,
    folders: new Folders(root, options),
    ownership: new Ownership(options),
    publication: new Publication(root, sessions),
    fsync: options.fsync,
  }
}
