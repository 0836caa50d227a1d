import { basename, join } from 'node:path'
import { errnoOf, isUncertain, withKnownOutcome } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { isHidden } from '../../core/hidden-names.ts'
import type { Place } from './place.ts'

const HELD = '/proc/self/fd/'

/**
 * The same error in terms of the requested file: without paths of temporary and open files. If the system refused the operation at once,
 * the error also states that nothing was done.
 */
export function explain(error: unknown, place: Pick<Place, 'anchor' | 'base'>): unknown {
  if (!(error instanceof Error) || error instanceof StorageError || errnoOf(error) === undefined) return error
  if (!isUncertain(error)) withKnownOutcome(error, 'not_applied')
  const shown: NodeJS.ErrnoException & { dest?: string | undefined } = error
  const [path, dest] = [publicPath(shown.path, place), publicPath(shown.dest, place)]
  if (path === shown.path && dest === shown.dest) return shown
  const { message } = shown
  const subjects = [...new Set([path, dest])].filter(each => each !== undefined).map(each => `'${each}'`)
  shown.message = [message.slice(0, message.indexOf(" '")), subjects.join(' -> ')].filter(text => text !== '').join(' ')
  // A missing file is a usual result, and reading the stack is expensive.
  if (shown.code !== 'ENOENT') shown.stack = shown.stack?.replace(message, () => shown.message) ?? ''
  return Object.assign(shown, { path }, dest !== undefined && { dest })
}

/** Undefined for the path of an open file that does not belong to this place. */
function publicPath(path: unknown, { anchor, base }: Pick<Place, 'anchor' | 'base'>): string | undefined {
  if (typeof path !== 'string') return undefined
  if (path === anchor.path) return anchor.real
  const isOurs = path.startsWith(`${anchor.path}/`)
  if (!isOurs) return path.startsWith(HELD) ? undefined : path
  return join(anchor.real, isHidden(basename(path)) ? base : path.slice(anchor.path.length + 1))
}
