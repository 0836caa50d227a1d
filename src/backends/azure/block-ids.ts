import { nodeCrypto } from '../../core/builtin.ts'

/** Bytes of an id, unless others have another length. */
const LENGTH = 24
/** Bytes of the number at the end of an id. */
const NUMBER = 3
/** Bytes of the shortest id that still begins with something random. */
const SHORTEST = NUMBER + 2

/**
 * The ids of an upload's blocks: something random, then the number, all of one length, in base64. Two writers of one name never take each other's
 * blocks. (https://learn.microsoft.com/rest/api/storageservices/put-block)
 */
export class BlockIds {
  /** Bytes of each id. */
  readonly length: number
  readonly #prefix: Buffer

  constructor(length: number = LENGTH, prefix: Buffer = nodeCrypto().randomBytes(length - NUMBER)) {
    this.length = length
    this.#prefix = prefix
  }

  /** The ids that `text` names; undefined for what no `text` can be. */
  static of(text: string): BlockIds | undefined {
    const prefix = Buffer.from(text, 'base64url')
    const isOurs =
      prefix.toString('base64url') === text && prefix.byteLength >= SHORTEST - NUMBER && prefix.byteLength <= 61
    return isOurs ? new BlockIds(prefix.byteLength + NUMBER, prefix) : undefined
  }

  /** What all ids of the upload begin with, as text. */
  get text(): string {
    return this.#prefix.toString('base64url')
  }

  /** Other ids as long as one that is there; undefined for one that is too short to be told apart. */
  static like(id: string | undefined): BlockIds | undefined {
    const length = Buffer.from(id ?? '', 'base64').byteLength
    return length < SHORTEST ? undefined : new BlockIds(length)
  }

  /** The id of a block, counted from 1. */
  idOf(number: number): string {
    const bytes = Buffer.concat([this.#prefix, Buffer.alloc(NUMBER)])
    bytes.writeUIntBE(number, this.length - NUMBER, NUMBER)
    return bytes.toString('base64')
  }
}
