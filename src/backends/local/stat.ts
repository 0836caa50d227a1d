import type { BigIntStats } from 'node:fs'
import type { FileAttributes, Stat } from '../../core/driver.ts'
import { etagOf } from './atomic-write.ts'

/** The stat of a file or folder. The time of creation is that of the file system, or else the inode's last change. */
export function statOf(stats: BigIntStats, attributes: FileAttributes): Stat {
  const times = {
    modifiedAt: dateOf(stats.mtimeNs),
    createdAt: dateOf(stats.birthtimeNs > 0n ? stats.birthtimeNs : stats.ctimeNs),
    accessedAt: dateOf(stats.atimeNs),
  }
  if (stats.isDirectory()) return { size: 0, ...times, isDirectory: true }
  return { size: Number(stats.size), ...times, etag: etagOf(stats), ...attributes }
}

function dateOf(nanoseconds: bigint): Date {
  // Rounded down, also before 1970.
  return new Date(Math.floor(Number(nanoseconds / 1000n) / 1000))
}
