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

  constructor(length: number = LENGTH) {
    this.length = length
    this.#prefix = nodeCrypto().randomBytes(length - NUMBER)
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
