import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { describeExclusiveSaves, emptyAndClose } from '../../real/backend.ts'
import { markedBytes } from '../../real/marked-bytes.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, KIB_64, MIB_4, smallParts, storageWith } from './support.ts'

const server = await startStrictDropbox()
const options = { ...at(server), maxAttempts: 4, multipartThreshold: MIB_4, partSize: MIB_4 }
afterAll(() => server.close())
afterEach(() => emptyAndClose(storageWith(options)))

describeExclusiveSaves({
  module: join(import.meta.dirname, '../../../src/backends/dropbox/index.ts'),
  className: 'DropboxStorage',
  options,
  sizes: { 'in one request': 5000 },
  storage: () => storageWith(options),
})

test.each([
  ['in one request', 5000],
  ['by sessions', KIB_64 + 5000],
])('eight storages that save one name ten times each at once, %s, leave eighty right files', async (_, size) => {
  const marks = Array.from({ length: 8 }, (__, who) => Array.from({ length: 10 }, (___, round) => `${who}/${round}`))
  const saves = marks.map(async own => {
    await using files = smallParts(server, { fileOverwrite: false, maxAttempts: 4 })
    const save = async (mark: string) => ({ mark, name: await files.save('dir/same.bin', markedBytes(mark, size)) })
    return await Promise.all(own.map(save))
  })
  const saved = (await Promise.all(saves)).flat()
  expect(server.paths()).toEqual(saved.map(({ name }) => `/${name}`).sort())
  expect(new Set(saved.map(({ name }) => name)).size).toBe(80)
  for (const { mark, name } of saved) {
    expect(server.file(name)!.revision.body.equals(markedBytes(mark, size))).toBe(true)
  }
})
