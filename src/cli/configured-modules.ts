import { fileURLToPath, pathToFileURL } from 'node:url'
import { refuseForeign } from '../config/trust.ts'
import { nodeModule } from '../core/builtin.ts'
import { packageRoot } from './package-root.ts'

/**
 * Checks the modules that a configuration imports from now on, both its own and those of BACKEND. A module that other users could have
 * written is rejected, like a configuration. `holdall` resolves to the running package unless another one of that name is installed. Bun
 * 1.4 has no hooks, and in Deno 2.9 no ES module can be required while there are any: on these two only the configuration itself is
 * checked.
 */
export function watchModules(): void {
  const { registerHooks } = nodeModule() as Partial<typeof import('node:module')>
  if (registerHooks === undefined || 'Deno' in globalThis) return
  const ownPackage = `${pathToFileURL(packageRoot()).href}/`
  registerHooks({
    resolve(specifier, context, next) {
      const found = resolved(specifier, parentURL => next(specifier, { ...context, ...(parentURL && { parentURL }) }))
      if (found.url.startsWith('file:') && !found.url.startsWith(ownPackage)) refuseForeign(fileURLToPath(found.url))
      return found
    },
  })
}

/** Resolves a specifier from its own location or, if it is this package, from here. */
function resolved<T>(specifier: string, resolve: (parentURL?: string) => T): T {
  try {
    return resolve()
  } catch (error) {
    if (!/^holdall(\/|$)/.test(specifier)) throw error
    return resolve(import.meta.url)
  }
}
