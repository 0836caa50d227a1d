import { isStorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { ask, canAsk } from './confirmation.ts'
import { isCurrentFolder, UsageError } from './context.ts'
import { printable } from './output.ts'

/** The changes that a run of `collectstatic` will make to its target. */
export interface CollectPlan {
  readonly alias: string
  readonly storage: AnyStorage
  readonly isInteractive: boolean
  readonly dryRun: boolean
  readonly clear: boolean
  /** Whether files of former runs that are no longer needed are deleted. */
  readonly deletesOld: boolean
}

/**
 * Asks for confirmation, like Django: on a terminal, if the target contains files or is not on this machine. An answer other than `yes` is
 * an error. Without a terminal it does not ask, so that a deploy script does not wait indefinitely; deleting everything then requires
 * `--noinput`.
 */
export async function confirmCollecting(plan: CollectPlan, signal: AbortSignal): Promise<void> {
  const { alias, storage, isInteractive, dryRun, clear } = plan
  if (clear && !dryRun && isCurrentFolder(storage)) {
    throw new UsageError(
      `collectstatic: no folder is configured for '${alias}', so --clear would delete what is in the current one.`,
    )
  }
  if (!isInteractive) return
  if (!canAsk()) {
    if (!clear || dryRun) return
    throw new UsageError(
      `collectstatic: --clear deletes all files in '${alias}', and there is no terminal to ask on; add --noinput to confirm.`,
    )
  }
  const destination = destinationOf(storage)
  if (destination !== undefined && (await isEmpty(storage, signal))) return
  const answer = await ask(question(plan, destination), signal)
  if (answer !== 'yes') throw new Error('Collecting static files cancelled.')
}

/** Returns the folder of a target on local disk. */
export function destinationOf(storage: AnyStorage): string | undefined {
  return storage.supports('path') ? storage.path('.') : undefined
}

async function isEmpty(storage: AnyStorage, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const _entry of storage.entries('', { signal })) return false
  } catch (error) {
    if (!isStorageError(error, 'not_found')) throw error
  }
  return true
}

/** Returns the question in Django's words. */
function question({ dryRun, clear, deletesOld }: CollectPlan, destination: string | undefined): string {
  const parts = ['\n']
  if (dryRun) parts.push('You have activated the --dry-run option so no files will be modified.\n\n')
  parts.push('You have requested to collect static files at the destination\nlocation as specified in your settings')
  parts.push(destination === undefined ? '.\n\n' : `:\n\n    ${printable(destination)}\n\n`)
  if (clear) parts.push('This will DELETE ALL FILES in this location!\n')
  else parts.push('This will overwrite existing files!\n')
  if (deletesOld && !clear) parts.push('This will DELETE files of former runs that are not needed any more!\n')
  parts.push("Are you sure you want to do this?\n\nType 'yes' to continue, or 'no' to cancel: ")
  return parts.join('')
}
