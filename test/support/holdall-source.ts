/** `node --import` this: a program that imports `holdall` gets the source, as in the tests, and not what was built last. */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const ROOT = new URL('../../', import.meta.url)
const { exports } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
  exports: Record<string, { default: string } | string>
}

registerHooks({
  resolve(specifier, context, next) {
    const target = /^holdall(?:\/|$)/.test(specifier) ? exports[specifier.replace('holdall', '.')] : undefined
    if (typeof target !== 'object') return next(specifier, context)
    const file = target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts')
    return next(new URL(file, ROOT).href, { ...context, parentURL: pathToFileURL(process.argv[1]!).href })
  },
})
