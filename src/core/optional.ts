import { ImproperlyConfigured } from './errors.ts'

function missingPackage(name: string, neededFor: string, install: string, cause: unknown): ImproperlyConfigured {
  return new ImproperlyConfigured(`${neededFor} needs the package '${name}'. Install it: npm i ${install}`, { cause })
}

/**
 * Imports an optional package at its first use. Bundlers ignore a name in a variable with these comments, so a program without the package
 * builds; one that has it loads it from its node_modules at run time. The error for a missing package begins with `neededFor`, and
 * names the packages to `install`, which are more where the package is used together with others.
 */
export async function importOptional<T>(name: string, neededFor: string, install: string = name): Promise<T> {
  try {
    return (await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ name)) as T
  } catch (error) {
    if (isMissing(name, error)) throw missingPackage(name, neededFor, install, error)
    throw error
  }
}

/** Whether this package itself is missing, and not one of its own imports. */
function isMissing(name: string, error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return `${message}`.startsWith('No such module')
  const missing = /'([^']+)'/.exec(`${message}`)?.[1]
  return missing === undefined || missing === name
}
