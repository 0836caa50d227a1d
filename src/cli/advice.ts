import { isBackendKey } from '../config/backend-table.ts'
import { backendNames, declaredSettings, resolveBackend } from '../config/backends.ts'
import { staticSettings } from '../config/static-settings.ts'
import { hint, nearest } from '../core/nearest.ts'
import type { AnySettings } from '../core/settings.ts'
import type { GivenSettings } from '../storage/types.ts'

/** Settings of static files that are read elsewhere than in `staticSettings`. */
const STATIC_KEYS: readonly string[] = ['STATICFILES_STORAGE', 'STATIC_ROOT', 'STATIC_URL']

/** Returns advice about the settings: that of each backend, and settings that nothing reads. */
export function settingsAdvice(given: GivenSettings): string[] {
  const backends = backendNames().map(name => resolveBackend(name))
  const advice = new Set(backends.flatMap(backend => backend.advice?.(given) ?? []))
  const read = new Set(
    backends.flatMap(backend => Object.values(declaredSettings(backend)).flatMap(({ keys }) => keys)),
  )
  const keys = Object.keys(given.settings)
  const unread = keys.filter(key => isBackendKey(key) && !read.has(key))
  return [
    ...advice,
    ...unread.map(key => `${key}: no backend reads this setting.${hint(nearest(key, read))}`),
    ...keys.flatMap(staticAdvice),
  ]
}

function staticAdvice(key: string): string[] {
  const declared = Object.values(staticSettings as AnySettings).flatMap(setting => setting.keys)
  const read = [...STATIC_KEYS, ...declared]
  if (!/^STATIC(?:FILES)?_/.test(key) || read.includes(key)) return []
  return [`${key}: nothing reads this setting.${hint(nearest(key, read))}`]
}
