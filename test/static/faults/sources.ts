import { Readable } from 'node:stream'
import type { Finder, StaticFile } from '../../../src/static/index.ts'

/** Sources in memory: their contents by name. */
export type Sources = Readonly<Record<string, string>>

/** A finder over sources in memory, which are read anew at each run. */
export function finderOf(sources: () => Sources): Finder {
  const fileOf = (name: string, text: string): StaticFile => ({
    name,
    path: undefined,
    origin: `memory:${name}`,
    modifiedAt: async () => undefined,
    readUpTo: async limit => (Buffer.byteLength(text) > limit ? undefined : Buffer.from(text)),
    open: () => Readable.from([Buffer.from(text)]),
  })
  return {
    locations: ['memory'],
    files: () =>
      Object.entries(sources())
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, text]) => fileOf(name, text)),
    find: async name => (Object.hasOwn(sources(), name) ? [fileOf(name, sources()[name]!)] : []),
  }
}

/** A small site whose files name one another; each version changes some of them, has one of its own, and leaves the others. */
export function siteOf(version: number): Sources {
  return {
    'css/base.css': `body { background: url(../img/own-${version}.png) }\n`,
    'css/main.css': `@import "base.css";\n.logo { background: url(../img/logo.png) }\n`,
    'css/other.css': '.other { color: red }\n',
    [`img/own-${version}.png`]: `picture of version ${version}`,
    'img/logo.png': `logo of version ${version}`,
    'img/same.png': 'a picture that stays',
    'js/app.js': `import { part } from './part.js'\nexport const lazy = () => import('./lazy.js')\nconsole.log(part)\n`,
    'js/lazy.js': `export default 'lazy of version ${version}'\n`,
    'js/part.js': `export const part = 'part'\n`,
  }
}
