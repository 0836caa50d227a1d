/** What users of other libraries ran into, on the core by itself. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, expect, it } from 'vitest'
import { imageHeader, loadImageSize } from '../../src/fields/image/header.ts'
import { readByRanges } from '../../src/fields/image/read.ts'
import {
  FileRegistry,
  FileTransaction,
  fileField,
  fileModel,
  findOrphans,
  imageField,
  upload,
} from '../../src/fields/index.ts'
import { MemoryStorage, StorageError } from '../../src/index.ts'

let storage: MemoryStorage
let registry: FileRegistry
let rows: Set<string>
beforeEach(() => {
  storage = new MemoryStorage({ nameStrategy: 'underscore' })
  registry = new FileRegistry()
  rows = new Set()
})

function model() {
  const resumes = fileModel('resumes', { pdf: fileField({ storage, uploadTo: 'pdfs' }) }, registry)
  resumes.addUsers(async (_, names) => names.filter(name => rows.has(name)))
  return resumes
}

async function stored(): Promise<string[]> {
  const [, names] = await storage.listdir('pdfs')
  return names.sort()
}

async function create(resumes: ReturnType<typeof model>, name: string): Promise<string> {
  return resumes.step(async files => {
    const { pdf } = await resumes.store({ pdf: upload(name, name) }, { files })
    rows.add(pdf as string)
    return pdf as string
  })
}

it('fld-1: a savepoint that rolls back takes its files and its deletions with it, though the rest commits', async () => {
  const resumes = model()
  const old = await create(resumes, 'old')
  const outer = new FileTransaction(registry)
  await outer.run(async () => {
    await create(resumes, 'kept')
    const work = resumes.step(async files => {
      const { pdf } = await resumes.store({ pdf: upload('lost', 'lost') }, { files })
      await resumes.release({ pdf: old }, { pdf }, files)
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
  })
  await outer.commit()
  expect(await stored()).toEqual(['kept', 'old'])
})

it('fld-1: a savepoint that ends after its transaction keeps what rows name, and nothing else', async () => {
  const resumes = model()
  for (const isWritten of [true, false]) {
    const outer = new FileTransaction(registry)
    const inner = outer.savepoint()
    const { pdf } = await resumes.store({ pdf: upload('x', `${isWritten}`) }, { files: inner })
    await outer.rollback()
    if (isWritten) rows.add(pdf as string)
    await inner.commit()
  }
  expect(await stored()).toEqual(['true'])
})

it('fld-3: a row that came back by rollback keeps its file, though its deletion was begun', async () => {
  const resumes = model()
  const pdf = await create(resumes, 'a')
  const files = new FileTransaction(registry)
  rows.delete(pdf)
  await resumes.release({ pdf }, undefined, files)
  // The database rolls back, and the commit of the files is called all the same.
  rows.add(pdf)
  await files.commit()
  expect(await stored()).toEqual(['a'])
})

it('fld-3: a deletion that another transaction was in the way of is made up for when that ends', async () => {
  const resumes = model()
  const pdf = await create(resumes, 'a')
  const other = new FileTransaction(registry)
  await resumes.store({ pdf }, { files: other })
  rows.delete(pdf)
  await resumes.step(async files => resumes.release({ pdf }, undefined, files))
  expect(await stored()).toEqual(['a'])
  await other.rollback()
  expect(await stored()).toEqual([])
})

it('fld-4: a file that could not be deleted is reported, and found and deleted later', async () => {
  const resumes = model()
  const pdf = await create(resumes, 'a')
  const { driver } = storage.calls
  const remove = driver.delete.bind(driver)
  driver.delete = async () => {
    throw new StorageError('permission_denied', 'not yours')
  }
  const kept: string[] = []
  registry.onKept = ({ name }) => kept.push(name)
  rows.delete(pdf)
  await resumes.step(async files => resumes.release({ pdf }, undefined, files))
  expect([kept, await stored()]).toEqual([['pdfs/a'], ['a']])
  driver.delete = remove
  const found: string[] = []
  for await (const { name } of findOrphans({ registry, delete: true, graceSecs: 0 })) found.push(name)
  expect(found).toEqual(['pdfs/a'])
  expect(await stored()).toEqual([])
})

it('fld-8: a list of 1,000 pictures with filled columns makes no request', async () => {
  const resumes = fileModel('resumes', { photo: imageField({ storage, width: 'w', height: 'h' }) }, registry)
  const names = ['stat', 'read', 'list'] as const
  for (const name of names) {
    storage.calls.driver[name] = () => {
      throw new Error('a request')
    }
  }
  for (let id = 1; id <= 1000; id++) {
    const values = { id, photo: `photos/${id}.png`, w: id, h: 2 }
    const row = resumes.revive(values, row => ({ row, persist: async () => {} }))
    expect([await row.photo.width(), await row.photo.height(), JSON.stringify(row)]).toEqual([
      id,
      2,
      `{"id":${id},"photo":"photos/${id}.png","w":${id},"h":2}`,
    ])
  }
})

it('fld-10: a program that awaits its write and exits has deleted its old file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdall-exit-'))
  const source = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href)
  const program = `
    import { FileRegistry, fileField, fileModel, upload } from ${source('fields/index.ts')}
    import { LocalStorage } from ${source('index.ts')}
    const storage = new LocalStorage({ location: process.argv[1] })
    const resumes = fileModel('resumes', { pdf: fileField({ storage }) }, new FileRegistry())
    let row = { pdf: await storage.save('old', 'x') }
    resumes.addUsers(async () => [row.pdf])
    await resumes.step(async files => {
      const stored = await resumes.store({ pdf: upload('x', 'new') }, { files })
      await resumes.release(row, stored, files)
      row = stored
    })
    process.exit()`
  try {
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, folder])
    expect(readdirSync(folder)).toEqual(['new'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('fld-11: a write finds the transaction that the program never passes on, also through one of another registry', async () => {
  const resumes = model()
  const pdf = await create(resumes, 'a')
  const outer = new FileTransaction(registry)
  const other = new FileTransaction(new FileRegistry())
  await outer.run(() =>
    other.run(async () => {
      expect([FileTransaction.current(), FileTransaction.current(registry)]).toEqual([other, outer])
      rows.delete(pdf)
      await resumes.step(async files => resumes.release({ pdf }, undefined, files))
      await other.commit()
      expect(FileTransaction.current()).toBe(outer)
    }),
  )
  expect(await stored()).toEqual(['a'])
  rows.add(pdf)
  await outer.rollback()
  expect(await stored()).toEqual(['a'])
})

it('fld-12: sizes of zero, and texts made to be searched for long, are unknown', async () => {
  const imageSize = await loadImageSize()
  const box = (size: number, type: string) => {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32BE(size)
    bytes.write(type, 4, 'latin1')
    return bytes
  }
  const heif = (size: number) =>
    Buffer.concat([
      box(16, 'ftyp'),
      Buffer.from('avif\0\0\0\0'),
      box(4096, 'meta'),
      box(size, 'iprp'),
      Buffer.alloc(4096),
    ])
  const hostile = [
    // The 16 bytes of ICNS that image-size once looped on for ever.
    Buffer.from('69636e73000000106963303700000000', 'hex'),
    Buffer.from('49492a0000000000', 'hex'),
    Buffer.from('4d4d002affffffff0000', 'hex'),
    ...[0, 1, 0x7f_ff_ff_ff, 0xff_ff_ff_ff].map(heif),
    ...['<svg ', '<svg "', '<!', '<!--', '<?', '<svg width="'].map(text => Buffer.from(text.repeat(20_000))),
  ]
  for (const bytes of hostile) {
    let requests = 0
    const read = async (start: number, end: number): Promise<Uint8Array> => {
      requests += 1
      return bytes.subarray(start, end)
    }
    expect(await readByRanges(imageHeader(imageSize), read)).toBe(undefined)
    expect(requests).toBeLessThan(10)
  }
})
