import { expect, it } from 'vitest'
import { resolvedImports } from '../../support/resolved-imports.ts'

it('reads no package when it is imported, and none of the backends that it does not stand on', async () => {
  const others =
    /\/backends\/(?!(?:libcloud|s3|gcs|azure|swift|atmos|nimbus|local)\/)|node:(?:http|https|tls|crypto)$|parse-xml/
  expect((await resolvedImports('src/backends/libcloud/index.ts')).filter(url => others.test(url))).toEqual([])
})
