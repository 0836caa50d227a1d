/** Syncs two made-up places of so many files twice, of which the target is listed in no order, in a process of little memory; prints both reports. */
import { createHash } from 'node:crypto'
import type { ListedFile } from '../../src/core/driver.ts'
import { compare, sync } from '../../src/transfer/index.ts'
import { changedStorage } from './support.ts'

const [, , countText, record] = process.argv
const count = Number(countText)
const PAGE = 1000

function fileOf(index: number): ListedFile {
  const name = `folder-${String(index % 100).padStart(3, '0')}/a name of some length/${String(index).padStart(9, '0')}.jpeg`
  return { key: name, size: index, etag: createHash('md5').update(name).digest('hex'), modifiedAt: new Date(1e12 + index) }
}

/** Lists `at(0)`, `at(1)` ... page by page, and can do nothing else. */
function listing(at: (place: number) => number, isInOrder: boolean, more = 0) {
  return changedStorage(driver => ({
    features: { ...driver.features, listRange: isInOrder },
    async list(_prefix, { token = '0' }) {
      const start = Number(token)
      const length = Math.min(PAGE, count + more - start)
      const files = Array.from({ length }, (_, place) => fileOf(at(start + place)))
      const next = start + length
      return { files, directories: [], ...(next < count + more && { next: String(next) }) }
    },
    write: undefined,
    read: undefined,
  }))
}

// In the order of names: by the number of the folder, and in it by that of the file.
const source = listing(place => Math.floor(place / (count / 100)) + 100 * (place % (count / 100)), true)
const target = listing(place => count - 1 - place, false)
const first = await sync(source, target, { record, delete: true })
const second = await sync(source, target, { record, delete: true })
const compared = await compare(source, target, { sample: 10 })
console.log(JSON.stringify([first, second, compared]))
