import { Readable } from 'node:stream'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { BytesBody, StreamBody } from '../../src/core/body.ts'
import type { CallContext } from '../../src/core/call.ts'
import type { Content } from '../../src/core/content.ts'
import type {
  DeleteResult,
  Driver,
  Features,
  Page,
  PageRequest,
  ReadOptions,
  ReadResult,
  Stat,
  WriteOptions,
} from '../../src/core/driver.ts'
import { type ErrorCode, StorageError } from '../../src/core/errors.ts'
import { plainContext } from '../../src/testing/index.ts'

const ALL: Features = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true, listRange: true }

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Content of other bytes. */
function changed(content: Content, change: (bytes: Buffer) => Buffer): Content {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield change(await readAll(content.open()))
  }
  return { size: undefined, replayable: false, open: () => Readable.from(bytes(), { objectMode: false }) }
}

/** A driver whose keys are changed on their way in and left as they are on their way out. */
function renaming(rename: (key: string) => string): new () => Driver {
  return class extends MemoryDriver {
    override stat(key: string, ctx: CallContext): Promise<Stat> {
      return super.stat(rename(key), ctx)
    }
    override read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
      return super.read(rename(key), options, ctx)
    }
    override write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      return super.write(rename(key), content, options, ctx)
    }
    override delete(key: string, ctx: CallContext): Promise<void> {
      return super.delete(rename(key), ctx)
    }
  }
}

/** A driver that claims to have no such feature but has it, or claims one and has not. */
function claiming(claim: Partial<Features>): new () => Driver {
  return class extends MemoryDriver {
    override readonly features: Features = { ...ALL, ...claim }
  }
}

/** A driver whose write is another one. */
function writing(
  write: (
    this: MemoryDriver,
    key: string,
    content: Content,
    options: WriteOptions,
    ctx: CallContext,
    right: (key: string, content: Content, options: WriteOptions, ctx: CallContext) => Promise<Stat>,
  ) => Promise<Stat>,
): new () => Driver {
  return class extends MemoryDriver {
    override write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      return write.call(this, key, content, options, ctx, (...args) => super.write(...args))
    }
  }
}

/** A driver whose read is another one. */
function reading(
  read: (
    key: string,
    options: ReadOptions,
    right: (key: string, options: ReadOptions) => Promise<ReadResult>,
  ) => Promise<ReadResult>,
): new () => Driver {
  return class extends MemoryDriver {
    override read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
      return read(key, options, (name, given) => super.read(name, given, ctx))
    }
  }
}

/** A driver whose stat is changed. */
function stating(change: (stat: Stat) => Stat): new () => Driver {
  return class extends MemoryDriver {
    override async stat(key: string, ctx: CallContext): Promise<Stat> {
      return change(await super.stat(key, ctx))
    }
  }
}

/** A driver whose listing is another one. */
function listing(
  list: (
    prefix: string,
    page: PageRequest,
    right: (prefix: string, page: PageRequest) => Promise<Page>,
  ) => Promise<Page>,
): new () => Driver {
  return class extends MemoryDriver {
    override list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
      return list(prefix, page, (where, which) => super.list(where, which, ctx))
    }
  }
}

function parentOf(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf('/', prefix.length - 2) + 1)
}

async function everything(list: (page: PageRequest) => Promise<Page>, page: PageRequest): Promise<Page> {
  return list({ ...page, token: undefined, limit: 1e9 })
}

/** Bugs that storage backends have had, each by the sentence that a bug report would begin with. */
export const mutants: Readonly<Record<string, new () => Driver>> = {
  // The first two keep a case waiting until its time is up.
  'an abort is ignored': writing((key, content, options, ctx, right) =>
    right(
      key,
      content,
      options,
      plainContext(undefined, () => ctx.progress()),
    ),
  ),
  'an abort is only looked for at the beginning': writing((key, content, options, ctx, right) => {
    ctx.signal.throwIfAborted()
    return right(
      key,
      content,
      options,
      plainContext(undefined, () => ctx.progress()),
    )
  }),
  'the last byte of a write is lost': writing((key, content, options, ctx, right) =>
    right(
      key,
      changed(content, bytes => bytes.subarray(0, -1)),
      options,
      ctx,
    ),
  ),
  'bytes are taken for UTF-8 text': writing((key, content, options, ctx, right) =>
    right(
      key,
      changed(content, bytes => Buffer.from(bytes.toString('utf8'))),
      options,
      ctx,
    ),
  ),
  'line ends are translated': writing((key, content, options, ctx, right) =>
    right(
      key,
      changed(content, bytes => Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')),
      options,
      ctx,
    ),
  ),
  'a byte order mark is taken away': writing((key, content, options, ctx, right) =>
    right(
      key,
      changed(content, bytes => (bytes[0] === 0xef ? bytes.subarray(3) : bytes)),
      options,
      ctx,
    ),
  ),
  'large files are cut at 5 MiB': writing((key, content, options, ctx, right) =>
    right(
      key,
      changed(content, bytes => bytes.subarray(0, 5_242_880)),
      options,
      ctx,
    ),
  ),
  'a shorter file keeps the tail of the longer one': writing(async function (key, content, options, ctx, right) {
    const old = await this.read(key, {}, ctx).then(
      ({ body }) => readAll(body.stream()),
      () => Buffer.alloc(0),
    )
    const mixed = (bytes: Buffer): Buffer => Buffer.concat([bytes, old.subarray(bytes.byteLength)])
    return right(key, changed(content, mixed), options, ctx)
  }),
  'the stored bytes are those that the caller holds': class extends MemoryDriver {
    readonly #held = new Map<string, Uint8Array>()
    override async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      if (content.bytes !== undefined) this.#held.set(key, content.bytes)
      else this.#held.delete(key)
      return super.write(key, content, options, ctx)
    }
    override async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
      const result = await super.read(key, options, ctx)
      const held = this.#held.get(key)
      return held === undefined || options.range !== undefined
        ? result
        : { ...result, body: new StreamBody(Readable.from([held])) }
    }
  },
  'ifAbsent is ignored': writing((key, content, options, ctx, right) =>
    right(key, content, { ...options, ifAbsent: undefined }, ctx),
  ),
  'ifAbsent looks first and writes later': writing(async function (key, content, options, ctx, right) {
    if (
      options.ifAbsent === true &&
      (await this.stat(key, ctx).then(
        () => true,
        () => false,
      ))
    ) {
      throw new StorageError('exists', 'exists')
    }
    return right(key, content, { ...options, ifAbsent: undefined }, ctx)
  }),
  'ifAbsent fails with the wrong code': class extends MemoryDriver {
    override write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      return super.write(key, content, options, ctx).catch(error => {
        throw error.code === 'exists' ? new StorageError('precondition_failed', 'exists') : error
      })
    }
  },
  'ifAbsent that fails has emptied the file': writing(async (key, content, options, ctx, right) =>
    right(key, content, options, ctx).catch(async error => {
      if (error.code === 'exists')
        await right(
          key,
          changed(content, () => Buffer.alloc(0)),
          {},
          ctx,
        )
      throw error
    }),
  ),
  'all losers of a race believe that they won': writing((key, content, options, ctx, right) =>
    right(key, content, options, ctx).catch(error => {
      if (error.code === 'exists' && content.size === undefined) return { size: 0 }
      throw error
    }),
  ),
  'ifMatch is ignored by write': writing((key, content, options, ctx, right) =>
    right(key, content, { ...options, ifMatch: undefined }, ctx),
  ),
  'ifMatch is ignored by read': reading((key, options, right) => right(key, { ...options, ifMatch: undefined })),
  'ifMatch on a missing file creates it': writing(async function (key, content, options, ctx, right) {
    const there = await this.stat(key, ctx).then(
      () => true,
      () => false,
    )
    return right(key, content, there ? options : { ...options, ifMatch: undefined }, ctx)
  }),
  'the etag is the size': class extends MemoryDriver {
    override async stat(key: string, ctx: CallContext): Promise<Stat> {
      const stat = await super.stat(key, ctx)
      return { ...stat, etag: String(stat.size) }
    }
  },
  'the etag bears its quotes': stating(stat => ({ ...stat, etag: `"${stat.etag}"` })),
  'the etag differs at every look': stating(stat => ({ ...stat, etag: String(Math.random()) })),
  'a range is ignored': reading((key, { range: _, ...options }, right) => right(key, options)),
  'the end of a range is inclusive': reading((key, { range, ...options }, right) =>
    right(key, { ...options, range: range?.end === undefined ? range : { start: range.start, end: range.end + 1 } }),
  ),
  'a range ends where its first block of 64 KiB does': reading((key, { range, ...options }, right) => {
    const border = range === undefined ? 0 : (Math.floor(range.start / 65_536) + 1) * 65_536
    const end = Math.min(range?.end ?? Number.POSITIVE_INFINITY, border)
    return right(key, { ...options, range: range === undefined ? range : { start: range.start, end } })
  }),
  'a range without an end is cut': reading((key, { range, ...options }, right) =>
    right(key, {
      ...options,
      range: range === undefined ? range : { start: range.start, end: range.end ?? range.start + 5 },
    }),
  ),
  'a range beyond the end gives nothing': reading((key, options, right) =>
    right(key, options).catch(error => {
      if (error.code === 'invalid_range') return { body: new BytesBody(Buffer.alloc(0)) }
      throw error
    }),
  ),
  'the range of an empty file fails': reading(async (key, options, right) => {
    const result = await right(key, options)
    if (options.range !== undefined && result.stat?.size === 0) throw new StorageError('invalid_range', 'empty')
    return result
  }),
  'the stat of a range has the size of the range': reading(async (key, options, right) => {
    const { body, stat } = await right(key, options)
    const { start, end } = options.range ?? { start: 0, end: stat?.size }
    return { body, stat: { ...stat, size: (end ?? stat!.size!) - start } }
  }),
  'the size counts characters': class extends MemoryDriver {
    override async stat(key: string, ctx: CallContext): Promise<Stat> {
      const stat = await super.stat(key, ctx)
      const { body } = await super.read(key, {}, ctx)
      return { ...stat, size: (await readAll(body.stream())).toString().length }
    }
  },
  'times are in seconds': stating(stat => ({
    ...stat,
    modifiedAt: new Date((stat.modifiedAt?.getTime() ?? 0) / 1000),
  })),
  'times are strings': stating(stat => ({ ...stat, modifiedAt: stat.modifiedAt?.toISOString() as unknown as Date })),
  'a missing file has size 0': class extends MemoryDriver {
    override stat(key: string, ctx: CallContext): Promise<Stat> {
      return super.stat(key, ctx).catch(() => ({ size: 0 }))
    }
  },
  'a missing file is unavailable': class extends MemoryDriver {
    override stat(key: string, ctx: CallContext): Promise<Stat> {
      return super.stat(key, ctx).catch(() => Promise.reject(new StorageError('unavailable', 'no answer')))
    }
  },
  'a missing file fails in the middle of the body': reading((key, options, right) =>
    right(key, options).catch(error => {
      if (error.code !== 'not_found') throw error
      const fail = (): never => {
        throw error
      }
      return { body: new StreamBody(new Readable({ read: fail })) }
    }),
  ),
  'deleting a missing file fails': class extends MemoryDriver {
    override async delete(key: string, ctx: CallContext): Promise<void> {
      await super.stat(key, ctx)
      return super.delete(key, ctx)
    }
  },
  'deleting takes all keys that begin alike': class extends MemoryDriver {
    override async delete(key: string, ctx: CallContext): Promise<void> {
      const folder = key.slice(0, key.lastIndexOf('/') + 1)
      const { files } = await super.list(folder, { recursive: true }, ctx)
      for (const file of files) if (file.key.startsWith(key)) await super.delete(file.key, ctx)
    }
  },
  'deleting many stops at a missing one': class extends MemoryDriver {
    override async deleteMany(keys: readonly string[], ctx: CallContext): Promise<readonly DeleteResult[]> {
      const results: DeleteResult[] = []
      for (const key of keys) {
        const error = await super.stat(key, ctx).then(
          () => undefined,
          failure => failure,
        )
        if (error === undefined) await super.delete(key, ctx)
        results.push(error === undefined ? { key } : { key, error })
      }
      return results
    }
  },
  'deleting many deletes only the first': class extends MemoryDriver {
    override async deleteMany(keys: readonly string[], ctx: CallContext): Promise<readonly DeleteResult[]> {
      await super.deleteMany(keys.slice(0, 1), ctx)
      return keys.map(key => ({ key }))
    }
  },
  'a missing folder cannot be listed': listing(async (prefix, page, right) => {
    const found = await right(prefix, page)
    if (prefix.includes('missing')) throw new StorageError('not_found', prefix)
    return found
  }),
  'a prefix is a string prefix': listing(async (prefix, page, right) => {
    if (!page.recursive) return right(prefix, page)
    const { files } = await everything(each => right('', each), page)
    return { files: files.filter(file => file.key.startsWith(prefix.replace(/\/$/, ''))), directories: [] }
  }),
  'folders bear a slash': listing(async (prefix, page, right) => {
    const found = await right(prefix, page)
    return { ...found, directories: found.directories.map(directory => `${directory}/`) }
  }),
  'a flat listing descends': listing((prefix, page, right) => right(prefix, { ...page, recursive: true })),
  'a recursive listing does not descend': listing(async (prefix, page, right) => {
    const found = await right(prefix, { ...page, recursive: false })
    return page.recursive ? { ...found, directories: [] } : found
  }),
  'keys of a listing lack their folder': listing(async (prefix, page, right) => {
    const found = await right(prefix, page)
    return { ...found, files: found.files.map(file => ({ ...file, key: file.key.slice(prefix.length) })) }
  }),
  'only the first page is given': listing(async (prefix, page, right) => {
    const { files, directories } = await right(prefix, page)
    return { files, directories }
  }),
  'each page repeats the last entry of the one before': listing(async (prefix, page, right) => {
    const all = await everything(each => right(prefix, each), page)
    const begin = Math.max(0, Number(page.token ?? 0) - (page.token === undefined ? 0 : 1))
    const end = Number(page.token ?? 0) + (page.limit ?? 1000)
    const next = end < all.files.length ? { next: String(end) } : {}
    return { files: all.files.slice(begin, end), directories: page.token === undefined ? all.directories : [], ...next }
  }),
  'tokens are offsets': listing(async (prefix, page, right) => {
    const all = await everything(each => right(prefix, each), page)
    const begin = Number(page.token ?? 0)
    const end = begin + (page.limit ?? 1000)
    const next = end < all.files.length ? { next: String(end) } : {}
    return { files: all.files.slice(begin, end), directories: page.token === undefined ? all.directories : [], ...next }
  }),
  'startAfter is inclusive': listing(async (prefix, page, right) => {
    const { startAfter } = page
    if (startAfter === undefined || page.token !== undefined) return right(prefix, page)
    const found = await right(prefix, page)
    const { files } = await everything(each => right(prefix, each), { recursive: page.recursive })
    return { ...found, files: [...files.filter(({ key }) => key === startAfter), ...found.files] }
  }),
  'until is inclusive': listing((prefix, page, right) =>
    right(prefix, page.until === undefined ? page : { ...page, until: `${page.until}\0` }),
  ),
  'startAfter is forgotten after the first page': listing((prefix, page, right) =>
    right(prefix, page.startAfter !== undefined && page.token === undefined ? page : { ...page, until: undefined }),
  ),
  'a range is that of the words': listing(async (prefix, page, right) => {
    const { startAfter, until, ...rest } = page
    const found = await right(prefix, rest)
    const isWanted = (key: string) =>
      (startAfter === undefined || key > startAfter) && (until === undefined || key < until)
    return {
      ...found,
      files: found.files.filter(({ key }) => isWanted(key)),
      directories: found.directories.filter(isWanted),
    }
  }),
  'ranges are ignored': listing((prefix, { startAfter: _, until: __, ...page }, right) => right(prefix, page)),
  'a folder in which the range begins is passed over': listing(async (prefix, page, right) => {
    const { startAfter } = page
    const found = await right(prefix, page)
    if (startAfter === undefined || !page.recursive) return found
    const folder = startAfter.slice(0, startAfter.lastIndexOf('/') + 1)
    return {
      ...found,
      files: found.files.filter(({ key }) => folder.length <= prefix.length || !key.startsWith(folder)),
    }
  }),
  'pages are counted': listing(async (prefix, page, right) => {
    const all = await everything(each => right(prefix, each), page)
    const begin = Number(page.token ?? 0)
    const end = begin + (page.limit ?? 1000)
    const places = [...all.files.map(file => file.key), ...all.directories]
    const part = new Set(places.slice(begin, end))
    return {
      files: all.files.filter(({ key }) => part.has(key)),
      directories: all.directories.filter(key => part.has(key)),
      next: end < places.length ? String(end) : undefined,
    }
  }),
  'folders come before files': listing(async (prefix, page, right) => {
    const { files, next } = await right(prefix, page)
    const depth = (key: string): number => (key.slice(prefix.length).includes('/') ? 0 : 1)
    return { ...(await right(prefix, page)), files: files.toSorted((a, b) => depth(a.key) - depth(b.key)), next }
  }),
  'deleting a folder takes all that is in it': class extends MemoryDriver {
    override async delete(key: string, ctx: CallContext): Promise<void> {
      const { files } = await super.list(`${key.replace(/\/$/, '')}/`, { recursive: true, limit: 1e9 }, ctx)
      for (const file of files) await super.delete(file.key, ctx)
      return super.delete(key, ctx).catch(() => undefined)
    }
  },
  'a folder that is not empty is deleted with success': class extends MemoryDriver {
    override async delete(key: string, ctx: CallContext): Promise<void> {
      await super.delete(key, ctx).catch(error => {
        if (error.code !== 'is_directory') throw error
      })
    }
  },
  'the listing is one write behind': class extends MemoryDriver {
    #before: Page | undefined
    override async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      this.#before = await super.list('', { recursive: true }, plainContext())
      return super.write(key, content, options, ctx)
    }
    override async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
      if (page.recursive || prefix !== '') return super.list(prefix, page, ctx)
      const files = this.#before?.files.filter(file => !file.key.includes('/')) ?? []
      return { files, directories: (await super.list(prefix, page, ctx)).directories }
    }
  },
  'keys are decoded twice': renaming(key =>
    key.replace(/%([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
  ),
  'a plus is a space': renaming(key => key.replaceAll('+', ' ')),
  'keys end at a question mark': renaming(key => key.replace(/\?.*/, '')),
  'keys are in Unicode normal form C': renaming(key => key.normalize('NFC')),
  'keys are in lower case': renaming(key => key.toLowerCase()),
  'keys are trimmed': renaming(key => key.trim()),
  'metadata are kept as Latin-1': stating(({ metadata, ...stat }) => {
    if (metadata === undefined) return stat
    const entries = Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value).toString('latin1')])
    return { ...stat, metadata: Object.fromEntries(entries) }
  }),
  'metadata are claimed but lost': writing((key, content, { metadata: _, ...options }, ctx, right) =>
    right(key, content, options, ctx),
  ),
  'metadata of the old file stay': writing(async function (key, content, options, ctx, right) {
    const old = await this.stat(key, ctx).catch(() => undefined)
    return right(key, content, { ...options, metadata: { ...old?.metadata, ...options.metadata } }, ctx)
  }),
  'the content type is guessed anew': writing((key, content, options, ctx, right) =>
    right(key, content, { ...options, contentType: 'application/octet-stream' }, ctx),
  ),
  'a failed stream leaves half a file': writing(async (key, content, options, ctx, right) => {
    async function* lenient(): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of content.open()) yield chunk
      } catch {}
    }
    return right(key, { ...content, open: () => Readable.from(lenient(), { objectMode: false }) }, options, ctx)
  }),
  'a failed stream takes the old file away': writing(function (key, content, options, ctx, right) {
    return right(key, content, options, ctx).catch(async error => {
      if (error.code === 'source_failed') await this.delete(key, ctx)
      throw error
    })
  }),
  'a slash at the end of a key is ignored': renaming(key => key.replace(/\/$/, '')),
  'a file is listed below itself': listing(async (prefix, page, right) => {
    const found = await right(prefix, page)
    const file = await right(parentOf(prefix), { recursive: false, limit: 1e9 })
    const self = file.files.filter(({ key }) => `${key}/` === prefix)
    return self.length === 0 ? found : { ...found, files: self }
  }),
  'the address of all keys is that of the storage': class extends MemoryDriver {
    readonly address = async (): Promise<string> => 'memory'
  },
  'a source that fails is taken for a failing server': writing((key, content, options, ctx, right) =>
    right(key, content, options, ctx).catch(error => {
      throw error.code === 'source_failed' ? new StorageError('unavailable', 'unavailable') : error
    }),
  ),
  'a wrong length is believed': writing((key, content, options, ctx, right) =>
    right(key, { ...content, size: undefined, open: () => content.open() }, options, ctx),
  ),
  'progress is not told to the time-out': writing((key, content, options, ctx, right) =>
    right(key, content, options, plainContext(ctx.signal)),
  ),
  'progress is not told to the caller': writing((key, content, { onProgress: _, ...options }, ctx, right) =>
    right(key, content, options, ctx),
  ),
  'a copy is a link': class extends MemoryDriver {
    readonly #links = new Map<string, string>()
    override async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      const stat = await super.copy(from, to, options, ctx)
      this.#links.set(to, from)
      return stat
    }
    override read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
      return super.read(this.#links.get(key) ?? key, options, ctx)
    }
  },
  'a copy loses the metadata': class extends MemoryDriver {
    override copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      return super.copy(from, to, { ...options, metadata: {} }, ctx)
    }
  },
  'a move leaves the source': class extends MemoryDriver {
    override move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      return super.copy(from, to, options, ctx)
    }
  },
  'a move onto itself deletes the file': class extends MemoryDriver {
    override async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      const stat = await super.copy(from, to, options, ctx)
      await super.delete(from, ctx)
      return stat
    }
  },
  'a move of a missing file has deleted the target': class extends MemoryDriver {
    override async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      if (from !== to) await super.delete(to, ctx)
      return super.move(from, to, options, ctx)
    }
  },
  'a copy ignores ifAbsent': class extends MemoryDriver {
    override copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
      return super.copy(from, to, { ...options, ifAbsent: undefined }, ctx)
    }
  },
  'a public URL is not encoded': class extends MemoryDriver {
    override readonly publicUrl: (key: string) => string = key => `https://files.example/${key}`
  },
  'every error is classified': class extends MemoryDriver {
    override classify(error: unknown): ErrorCode | undefined {
      return super.classify(error) ?? 'unknown'
    }
  },
  'classify fails for odd values': class extends MemoryDriver {
    override classify(error: unknown): ErrorCode | undefined {
      return (error as { code: string }).code === undefined ? undefined : super.classify(error)
    }
  },
  'ranges work but are not claimed': claiming({ ranges: false }),
  'exclusive creation works but is not claimed': claiming({ exclusiveCreate: false }),
  'ifMatch works but is not claimed': claiming({ ifMatch: false }),
  'metadata are kept but not claimed': claiming({ metadata: false }),
  'closing twice fails': class extends MemoryDriver {
    #closed = false
    async close(): Promise<void> {
      if (this.#closed) throw new Error('closed already')
      this.#closed = true
    }
  },
  'a file may be a folder though a tree was announced': renaming(key => key.replaceAll('/', '\u2044')),
}
