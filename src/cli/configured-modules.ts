import { registerHooks } from 'node:module'

/** Lets a configuration import `holdall` where no package of that name is installed: it gets the one that runs. */
export function offerOwnPackage(): void {
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context)
      } catch (error) {
        if (!/^holdall(\/|$)/.test(specifier)) throw error
        return next(specifier, { ...context, parentURL: import.meta.url })
      }
    },
  })
}
