import { nodeCrypto } from './builtin.ts'

const HIDDEN = /^\.holdall-[^/]*\.(tmp|meta|claim)$/
const TEMPORARY = /^\.holdall-(\d+)-[0-9a-f]+\.tmp$/

/**
 * Whether a file name is reserved for a storage's internal files: a temporary file, a sidecar or a claim. Such names are never listed or
 * served.
 */
export function isHidden(name: string): boolean {
  return name.startsWith('.holdall-') && HIDDEN.test(name)
}

/** Returns a new name for a temporary file of this process: `.holdall-<pid>-<random>.tmp`. */
export function temporaryName(): string {
  return `.holdall-${process.pid}-${nodeCrypto().randomUUID().replaceAll('-', '')}.tmp`
}

/** Returns the process that made a temporary file, or undefined when the name is not one of a temporary file. */
export function ownerOf(name: string): number | undefined {
  const match = TEMPORARY.exec(name)
  return match === null ? undefined : Number(match[1])
}
