import { expect, it } from 'vitest'
import { resolvedImports } from '../../support/resolved-imports.ts'

it('reads no package and no other backend when it is imported', async () => {
  const others = /\/backends\/(?!atmos\/)|node:(?:http|https|tls|crypto)$|parse-xml/
  expect((await resolvedImports('src/backends/atmos/index.ts')).filter(url => others.test(url))).toEqual([])
})
