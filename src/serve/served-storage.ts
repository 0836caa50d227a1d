import type { Readable } from 'node:stream'
import type { CallOptions } from '../core/call.ts'
import type { Storage } from '../storage/storage.ts'
import type { Entry, ReadStreamOptions, VersionOptions } from '../storage/types.ts'

/** The part of a storage that is needed to serve it. */
export interface ServedStorage extends Pick<Storage, 'save' | 'decoder'> {
  stat(name: string, options?: VersionOptions): Promise<Entry>
  createReadStream(name: string, options?: ReadStreamOptions): Readable
  /** Without it, a DELETE is a 405. */
  delete?(name: string, options?: CallOptions): Promise<void>
}
