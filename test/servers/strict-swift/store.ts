/** Accounts, containers and objects in memory. */
import { createHash } from 'node:crypto'

/** One segment of a static large object as the server keeps it. */
export interface SloSegment {
  /** `/container/object`. */
  readonly name: string
  readonly hash: string
  readonly bytes: number
  readonly contentType: string
  readonly lastModified: string
  /** `first-last` within the segment. */
  readonly range: string | undefined
  readonly isSlo: boolean
}

/** One object. Values of headers are as they came: one letter a byte. */
export interface StoredObject {
  readonly name: string
  /** What was sent; of a static large object the kept manifest. */
  readonly bytes: Buffer
  /** MD5 of `bytes`, in hex. */
  readonly etag: string
  readonly contentType: string
  /** Seconds with five decimals. */
  readonly stamp: string
  /** By lower-case names, `x-object-meta-` included. */
  readonly meta: ReadonlyMap<string, string>
  /** Content-Encoding and the like, by lower-case names. */
  readonly extra: ReadonlyMap<string, string>
  /** Unix seconds. */
  readonly deleteAt: number | undefined
  /** `container/prefix` of a dynamic large object, as it was sent. */
  readonly manifest: string | undefined
  readonly slo: { readonly segments: readonly SloSegment[]; readonly etag: string; readonly size: number } | undefined
}

/** MD5 in hex. */
export function md5(bytes: Uint8Array | string): string {
  return createHash('md5').update(bytes).digest('hex')
}

/** The order of listings: by the bytes of UTF-8. */
export function compareNames(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

/** One container. */
export class Container {
  readonly name: string
  readonly stamp: string
  readonly objects = new Map<string, StoredObject>()
  /** `x-container-meta-...` by lower-case names. */
  readonly meta = new Map<string, string>()
  read = ''
  write = ''
  /** Names that listings show although there is no such object, as before a deletion has reached all servers. */
  readonly ghosts = new Set<string>()
  /** Objects that the next listings do not show yet, with the number of these listings. */
  readonly late = new Map<string, number>()

  constructor(name: string, stamp: string) {
    this.name = name
    this.stamp = stamp
  }

  get bytesUsed(): number {
    return [...this.objects.values()].reduce((sum, object) => sum + listedSize(object), 0)
  }

  /** Takes what a listing shows now, sorted. */
  listed(): string[] {
    const names = new Set([...this.objects.keys(), ...this.ghosts])
    for (const [name, left] of [...this.late]) {
      if (!names.delete(name)) continue
      if (left <= 1) this.late.delete(name)
      else this.late.set(name, left - 1)
    }
    return [...names].sort(compareNames)
  }
}

/** The size that a listing shows: 0 for the manifest of a dynamic large object. */
export function listedSize(object: StoredObject): number {
  return object.slo?.size ?? object.bytes.length
}

/** One account. */
export class Account {
  readonly name: string
  readonly stamp: string
  readonly containers = new Map<string, Container>()
  /** `x-account-meta-...` by lower-case names. */
  readonly meta = new Map<string, string>()

  constructor(name: string, stamp: string) {
    this.name = name
    this.stamp = stamp
  }
}

/** Unix milliseconds of a stamp. */
export function msOf(stamp: string): number {
  return Number(stamp) * 1000
}

/** An HTTP date, whose seconds are rounded up. */
export function httpDate(stamp: string): string {
  return new Date(Math.ceil(Number(stamp)) * 1000).toUTCString()
}

/** The date of a listing, with microseconds and no zone. */
export function listedDate(stamp: string, zulu: boolean): string {
  const [seconds = '0', fraction = '0'] = stamp.split('.')
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `${whole}.${fraction.padEnd(6, '0')}${zulu ? 'Z' : ''}`
}
