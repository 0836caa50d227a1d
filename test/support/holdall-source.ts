/** `node --import` this: a program that imports `holdall` gets the source, as in the tests, and not what was built last. */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const SRC = new URL('../../src/', import.meta.url)
const ORM = ['drizzle', 'kysely', 'mikro-orm', 'mongoose', 'prisma', 'sequelize', 'typeorm']

registerHooks({
  resolve(specifier, context, next) {
    const name = /^holdall(?:\/([a-z-]+))?$/.exec(specifier)
    if (name === null) return next(specifier, context)
    const [, part] = name
    const file = part === undefined ? 'index.ts' : ORM.includes(part) ? `orm/${part}/index.ts` : `${part}/index.ts`
    return next(new URL(file, SRC).href, { ...context, parentURL: pathToFileURL(process.argv[1]!).href })
  },
})
