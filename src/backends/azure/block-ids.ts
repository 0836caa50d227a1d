import { nodeCrypto } from '../../core/builtin.ts'

/** Default length of an id in bytes. */
const LENGTH = 24
/** Length in bytes of the number at the end of an id. */
const NUMBER = 3
/** Length in bytes of the shortest id that still begins with random bytes. */
const SHORTEST = NUMBER + 2

/**
 * The ids of an upload's blocks: random bytes, then the number, all of one length, in base64. So two writers of one name never use each
 * other's blocks. (https://learn.microsoft.com/rest/api/storageservices/put-block)
 */
export class BlockIds {
  /** Length of each id in bytes. */
  readonly length: number
  readonly #prefix: Buffer

  constructor(length: number = LENGTH, prefix: Buffer = nodeCrypto().randomBytes(length - NUMBER)) {
    this.length = length
    this.#prefix = prefix
  }

  /** The ids for a saved `text`; undefined if it cannot be one. */
  static of(text: string): BlockIds | undefined {
    const prefix = Buffer.from(text, 'base64url')
    const isOurs =
      prefix.toString('base64url') === text && prefix.byteLength >= SHORTEST - NUMBER && prefix.byteLength <= 61
    return isOurs ? new BlockIds(prefix.byteLength + NUMBER, prefix) : undefined
  }

  /** The common beginning of all ids of the upload, as text. */
  get text(): string {
    return this.#prefix.toString('base64url')
  }

  /** New ids with the length of an existing id; undefined if that is too short for random bytes. */
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
