import type { CallContext, FileRef } from '../core/call.ts'
import type { Content } from '../core/content.ts'
import type { FileAttributes, WriteOptions } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { strongEtag } from '../core/etags.ts'
import type { AnyBase } from './base.ts'
import type { NameOrEntry } from './types.ts'
import { writeContent } from './write.ts'

/** Conditions on the name at the time when an opened file is published. */
export interface PublicationConditions {
  /** The name is free: else code `exists`. */
  readonly ifAbsent?: boolean | undefined
  /** The file has this etag: else code `precondition_failed`. */
  readonly ifMatch?: string | undefined
}

/**
 * Publishes an opened file. A condition that the backend checks itself is sent with the bytes. Any other condition is checked by a request
 * just before: two writers that publish at the very same moment can both succeed then, all others cannot. `file` is the argument that the
 * storage's own methods take for the file.
 */
export class Publication {
  readonly #storage: AnyBase
  readonly #ref: FileRef
  readonly #file: NameOrEntry
  readonly #attributes: FileAttributes & Pick<WriteOptions, 'extra'>
  readonly #sent: Pick<WriteOptions, 'ifAbsent' | 'isNew' | 'ifMatch'>
  readonly #asked: PublicationConditions

  constructor(
    storage: AnyBase,
    ref: FileRef,
    file: NameOrEntry,
    attributes: FileAttributes & Pick<WriteOptions, 'extra'>,
    { ifAbsent, ifMatch }: PublicationConditions = {},
  ) {
    const { exclusiveCreate, ifMatch: matches } = storage.features
    this.#storage = storage
    this.#ref = ref
    this.#file = file
    this.#attributes = attributes
    this.#sent = {
      ifAbsent: exclusiveCreate ? ifAbsent : undefined,
      isNew: exclusiveCreate ? undefined : ifAbsent,
      ifMatch: matches ? strongEtag(ifMatch) : undefined,
    }
    this.#asked = {
      ifAbsent: this.#sent.ifAbsent === undefined ? ifAbsent : undefined,
      ifMatch: this.#sent.ifMatch === undefined ? ifMatch : undefined,
    }
  }

  /** Checks the conditions that cannot be sent with the bytes. */
  async confirm({ signal }: CallContext): Promise<void> {
    const { name } = this.#ref
    const { ifAbsent, ifMatch } = this.#asked
    if (ifAbsent === true && (await this.#storage.exists(this.#file, { signal }))) {
      throw new StorageError('exists', `'${name}' exists: it was made since this file was opened.`, { fileName: name })
    }
    if (ifMatch === undefined || (await this.#etag(signal)) === ifMatch) return
    throw new StorageError('precondition_failed', `'${name}' has changed since it was opened.`, { fileName: name })
  }

  /** Sends the content. */
  async send(content: Content, ctx: CallContext): Promise<void> {
    const write = { ...this.#storage.writeOptions(this.#ref, content, this.#attributes), ...this.#sent }
    const call = { signal: ctx.signal, paced: content.size === undefined }
    await writeContent(this.#storage, this.#ref, content, write, call)
  }

  /** Checks the conditions and sends content that is complete. */
  async publish(content: Content, ctx: CallContext): Promise<void> {
    await this.confirm(ctx)
    await this.send(content, ctx)
  }

  async #etag(signal: AbortSignal): Promise<string | undefined> {
    try {
      return (await this.#storage.stat(this.#file, { signal })).etag
    } catch (error) {
      if (isStorageError(error, 'not_found')) return undefined
      throw error
    }
  }
}
