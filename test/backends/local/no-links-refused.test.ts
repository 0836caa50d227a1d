import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { bytesContent } from '../../../src/core/content.ts'
import { ctx, localDriver, temporaryFolder } from './fixture.ts'

// Windows has no O_NOFOLLOW.
vi.mock('../../../src/backends/local/own-file.ts', async original => ({
  ...(await original<typeof import('../../../src/backends/local/own-file.ts')>()),
  CAN_REFUSE_LINKS: false,
  READ_FLAGS: 0,
}))

test('attributes are read where links cannot be refused, also below another path than the real one', async () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'real'))
  symlinkSync('real', join(folder.path, 'location'))
  const driver = localDriver(join(folder.path, 'location'), { keepMetadata: true })
  for (const key of ['file', 'd/file']) {
    await driver.write(key, bytesContent(Buffer.from('x')), { contentType: 'text/css' }, ctx)
    expect((await driver.read(key, {}, ctx)).stat, key).toMatchObject({ contentType: 'text/css' })
  }
  symlinkSync('file', join(folder.path, 'real/link.png'))
  expect((await driver.read('link.png', {}, ctx)).stat).toMatchObject({ contentType: 'image/png' })
})
