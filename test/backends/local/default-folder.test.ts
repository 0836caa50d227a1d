import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { configure, defaultStorage, overrideSettings } from '../../../src/config/index.ts'

test('without a configuration files go to ./media, and the first save warns once with the path', async () => {
  const cwd = process.cwd()
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdall-default-')))
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(async () => {
    warn.mockRestore()
    process.chdir(cwd)
    await rm(folder, { recursive: true })
  })
  process.chdir(folder)
  configure({})
  expect(await defaultStorage.exists('a.txt')).toBe(false)
  expect(warn).not.toHaveBeenCalled()
  await defaultStorage.save('a.txt', 'x')
  await defaultStorage.edit('b.txt', 'w', file => file.write('y'))
  expect([await readdir(folder), (await readdir('media')).sort()]).toEqual([['media'], ['a.txt', 'b.txt']])
  expect(warn.mock.calls).toEqual([
    [
      `No folder is configured: files are stored in '${join(folder, 'media')}'. Set MEDIA_ROOT, or the option location.`,
      { code: 'HOLDALL_DEFAULT_FOLDER' },
    ],
  ])
  await overrideSettings({ MEDIA_ROOT: join(folder, 'mine') }, () => defaultStorage.save('a.txt', 'x'))
  await new LocalStorage({ location: '' }).save('here.txt', 'x')
  expect((await readdir(folder)).sort()).toEqual(['here.txt', 'media', 'mine'])
  expect(warn).toHaveBeenCalledTimes(1)
})
