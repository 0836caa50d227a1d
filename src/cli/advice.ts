import { isBackendKey } from '../config/backend-table.ts'
import { backendNames, declaredSettings, resolveBackend } from '../config/backends.ts'
import { hint, nearest } from '../core/nearest.ts'
import type { GivenSettings } from '../storage/types.ts'

/** What settings should rather say: what each backend advises, and those that nothing reads. */
export function settingsAdvice(given: GivenSettings): string[] {
  const backends = backendNames().map(name => resolveBackend(name))
  const advice = new Set(backends.flatMap(backend => backend.advice?.(given) ?? []))
  const read = new Set(
    backends.flatMap(backend => Object.values(declaredSettings(backend)).flatMap(({ keys }) => keys)),
  )
  const unread = Object.keys(given.settings).filter(key => isBackendKey(key) && !read.has(key))
  return [...advice, ...unread.map(key => `${key}: no backend reads this setting.${hint(nearest(key, read))}`)]
}
