import { ImproperlyConfigured } from './errors.ts'

function missingPackage(name: string, neededFor: string, cause: unknown): ImproperlyConfigured {
  return new ImproperlyConfigured(`${neededFor} needs the package '${name}'. Install it: npm i ${name}`, { cause })
}

/** Imports an optional package; `load` holds the literal `import()`, so that bundlers see it. */
export async function importOptional<T>(name: string, neededFor: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const { code } = (error ?? {}) as { code?: unknown }
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') throw missingPackage(name, neededFor, error)
    throw error
  }
}
