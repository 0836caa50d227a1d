import { existsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import type { HoldallSettings } from '../config/configure.ts'
import { isStorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { signedUrlsProblem } from '../storage/url-signing.ts'

/** A problem in the settings of static files. */
export interface StaticCheck {
  readonly advice: readonly string[]
  /** Whether the problem prevents collecting static files. */
  readonly isFailure: boolean
}

/** Whether there are settings that only static files have. */
export function hasStaticFiles(settings: HoldallSettings, env: Readonly<Record<string, string | undefined>>): boolean {
  return [...Object.keys(settings), ...Object.keys(env)].some(key => /^STATICFILES_(?!STORAGE$)/.test(key))
}

/**
 * Checks what `collectstatic` needs first: reads the settings of static files, and looks up the folders and packages in them. (Django's
 * checks `staticfiles.E001` to `staticfiles.W004`)
 */
export async function checkStaticFiles(aliases: readonly string[]): Promise<StaticCheck> {
  const { staticFilesFromSettings } = await import('../static/index.ts')
  // They may be collected into a storage with another alias.
  const alias = aliases.includes('staticfiles') ? 'staticfiles' : aliases[0]
  try {
    const folders = staticFilesFromSettings(alias).finders.flatMap(finder => finder.locations)
    const missing = folders.filter(folder => isAbsolute(folder) && !existsSync(folder))
    return {
      advice: missing.map(folder => `STATICFILES_DIRS: the folder '${folder}' does not exist.`),
      isFailure: false,
    }
  } catch (error) {
    if (!isStorageError(error, 'improperly_configured')) throw error
    return { advice: [error.message], isFailure: true }
  }
}

/** Returns why static files cannot be served from a storage for static files. */
export function servingProblem(storage: AnyStorage, alias: string): string | undefined {
  if (alias !== 'staticfiles' && storage.staticFiles === undefined) return undefined
  const problem = signedUrlsProblem(storage)
  return problem && `storage '${alias}': ${problem}.`
}
