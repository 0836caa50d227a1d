import { fileURLToPath, pathToFileURL } from 'node:url'
import { refuseForeign } from '../config/trust.ts'
import { nodeModule } from '../core/builtin.ts'
import { packageRoot } from './package-root.ts'

/**
 * Watches what a configuration imports from now on, its own modules and those of BACKEND alike: a module that others could have written is
 * refused, as their configuration is, and `holdall` is the package that runs where no other of that name is installed. Bun 1.4 has no hooks,
 * and in Deno 2.9 no ES module can be required while there are any: on these two only the configuration itself is checked.
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

/** What a specifier leads to, from its place or else, where it is this package, from here. */
function resolved<T>(specifier: string, resolve: (parentURL?: string) => T): T {
  try {
    return resolve()
  } catch (error) {
    if (!/^holdall(\/|$)/.test(specifier)) throw error
    return resolve(import.meta.url)
  }
}
