/** Trees of files whose names, sizes and bytes follow from a seed: what is read back is compared without a second copy. */
import { createCipheriv, createHash } from 'node:crypto'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { seeded } from '../../oracles/seeded.ts'

/** A file of a tree. */
export interface PlannedFile {
  readonly name: string
  readonly size: number
}

const KIB = 1024
/** The time of every file, so that no file is one that was changed a moment ago. */
const TIME = 1_700_000_000
const FOLDERS = 40

/**
 * The plan of a tree: ordinary names in folders of two levels, and the odd names in between. Sizes are from `minSize` to
 * `maxSize`, half of them below the geometric mean of both: a file of 1 to 64 KiB has 15 KiB on average.
 */
export function planTree({
  seed,
  files,
  odd = [],
  minSize = KIB,
  maxSize = 64 * KIB,
}: {
  readonly seed: number
  readonly files: number
  readonly odd?: readonly string[]
  readonly minSize?: number
  readonly maxSize?: number
}): PlannedFile[] {
  const random = seeded(seed)
  const size = (): number => Math.round(minSize * (maxSize / minSize) ** random())
  const planned = odd.map((name, index) => ({ name, size: index % 10 === 0 ? 0 : size() }))
  for (let at = odd.length; at < files; at++) {
    const folder = `part ${Math.floor(random() * FOLDERS)}/ü-${Math.floor(random() * FOLDERS)}`
    planned.push({ name: `${folder}/file-${at}.bin`, size: size() })
  }
  return planned
}

const ZEROS = Buffer.alloc(64 * KIB)

/** The bytes of a file, which no other file has. */
export function bytesOf(seed: number, { name, size }: PlannedFile): Buffer {
  const key = createHash('sha256').update(`${seed} ${name}`).digest().subarray(0, 16)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(ZEROS.subarray(0, size))
}

/** Writes a tree below a folder. */
export function writeTree(folder: string, seed: number, files: readonly PlannedFile[]): void {
  const made = new Set<string>()
  for (const file of files) {
    const path = join(folder, file.name)
    const parent = dirname(path)
    if (!made.has(parent)) mkdirSync(parent, { recursive: true })
    made.add(parent)
    writeFileSync(path, bytesOf(seed, file))
    utimesSync(path, TIME, TIME)
  }
}
