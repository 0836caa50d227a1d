import { cssReferences } from '../../src/static/references/css.ts'
import type { Target } from './target.ts'

const CSS = [
  'url(',
  'url("',
  '\\75rl(',
  '@import ',
  '@import "',
  'image-set(',
  'var(',
  '/*# sourceMappingURL=',
  '/*',
  '*/',
  '"',
  "'",
  '\\',
  '(',
  ')',
  '{',
  ';',
  ' ',
  '\n',
  'a',
  'data:',
]

/** Files that are collected: those of packages come from others. */
export const ofStatic: readonly Target[] = [
  {
    title: 'a stylesheet, and URLs in it',
    parts: CSS,
    run: async input => {
      for (const { write } of await cssReferences(input)) write('a')
      for (const { write } of await cssReferences(`a{b:url(x) image-set('x')}/*# sourceMappingURL=x */`)) write(input)
    },
  },
]
