import { describe, expect, it } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { Page, PageRequest } from '../../src/core/driver.ts'

const PER_PAGE = 1000

/** A folder of as many files as wanted, made up page by page. */
class Endless extends MemoryDriver {
  requests = 0
  readonly #pages: number

  constructor(pages: number) {
    super()
    this.#pages = pages
  }

  override async list(prefix: string, { token = '0' }: PageRequest): Promise<Page> {
    this.requests++
    const page = Number(token)
    const files = Array.from({ length: PER_PAGE }, (_, at) => ({
      key: `${prefix}file-${page * PER_PAGE + at}`,
      size: at,
    }))
    return { files, directories: [], ...(page + 1 < this.#pages ? { next: String(page + 1) } : {}) }
  }
}

describe('entries', () => {
  it('asks for a page only when the one before was taken', async () => {
    const driver = new Endless(1000)
    const storage = new MemoryStorage({}, { driver })
    let taken = 0
    for await (const { name } of storage.entries('d', { recursive: true })) {
      expect(name).toBe(`d/file-${taken}`)
      expect(driver.requests).toBe(Math.floor(taken / PER_PAGE) + 1)
      if (++taken === 2500) break
    }
    expect(driver.requests).toBe(3)
  })

  it('goes through two million files in the memory of a page', async () => {
    const storage = new MemoryStorage({}, { driver: new Endless(2000) })
    let taken = 0
    let peak = 0
    const before = process.memoryUsage().heapUsed
    for await (const { size } of storage.entries('', { recursive: true })) {
      taken++
      if (size === 0) peak = Math.max(peak, process.memoryUsage().heapUsed - before)
    }
    expect(taken).toBe(2_000_000)
    expect(peak).toBeLessThan(100_000_000)
  })
})
