import { expect, it } from 'vitest'
import { resolvedImports } from '../../support/resolved-imports.ts'

it('reads no package and no other backend when it is imported', async () => {
  const others = (await resolvedImports('src/backends/gcs/index.ts')).filter(
    url => /\/backends\/(?!gcs\/)/.test(url) || /google-auth-library|node:(http|https|tls|crypto)$/.test(url),
  )
  expect(others).toEqual([])
})
