import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { builtPackage } from '../../support/built.ts'
import { resolvedImports } from '../../support/resolved-imports.ts'

it('reads no package when it is imported, and none of the backends that it does not stand on', async () => {
  const others =
    /\/backends\/(?!(?:libcloud|s3|gcs|azure|swift|atmos|nimbus|local)\/)|node:(?:http|https|tls|crypto)$|parse-xml/
  expect((await resolvedImports('src/backends/libcloud/index.ts')).filter(url => others.test(url))).toEqual([])
})

it('is not read when one of the backends is imported that it stands on', async () => {
  const chunks = join(await builtPackage(), 'dist/chunks')
  const names = readdirSync(chunks).filter(name => name.endsWith('.js'))
  expect(names).toEqual(expect.arrayContaining(['libcloud.js', 's3.js', 'gcs.js']))
  expect(names.filter(name => readFileSync(join(chunks, name), 'utf8').includes('"./libcloud.js"'))).toEqual([])
})
