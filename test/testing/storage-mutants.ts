import { Readable } from 'node:stream'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { CallOptions } from '../../src/core/call.ts'
import type { ContentSource } from '../../src/core/content.ts'
import { StorageError } from '../../src/core/errors.ts'
import type { Data, OpenMode } from '../../src/files/modes.ts'
import type { StorageFile } from '../../src/files/storage-file.ts'
import type { CopyFileOptions } from '../../src/storage/copy.ts'
import type {
  AvailableNameOptions,
  Entry,
  OpenOptions,
  ReadStreamOptions,
  SaveOptions,
} from '../../src/storage/types.ts'

/** Bugs of the portable class, each by the sentence that a bug report would begin with. */
export const storageMutants: Readonly<Record<string, typeof MemoryStorage>> = {
  'a name is taken first and looked for later': class extends MemoryStorage {
    override async save(name: string, source: ContentSource, options: SaveOptions = {}): Promise<string> {
      const free = await this.getAvailableName(name, options)
      return super.save(free, source, { ...options, overwrite: true })
    }
  },
  'overwrite: false is believed to be the default': class extends MemoryStorage {
    override async save(name: string, source: ContentSource, options: SaveOptions = {}): Promise<string> {
      const { overwrite: _, ...rest } = options
      return super.save(name, source, options.overwrite === false ? rest : options)
    }
  },
  'a taken name is overwritten by a copy': class extends MemoryStorage {
    override async copy(from: string, to: string, options: CopyFileOptions = {}): Promise<string> {
      return super.copy(from, to, { ...options, overwrite: true })
    }
  },
  'a move leaves its source': class extends MemoryStorage {
    override async move(from: string, to: string, options: CopyFileOptions = {}): Promise<string> {
      return super.copy(from, to, options)
    }
  },
  'a move onto itself deletes the file': class extends MemoryStorage {
    override async move(from: string, to: string, options: CopyFileOptions = {}): Promise<string> {
      const name = await super.copy(from, to, options)
      await super.delete(from, options)
      return name
    }
  },
  'the suffix is put behind the extension': class extends MemoryStorage {
    override getAlternativeName(stem: string, suffixes: string): string {
      return `${stem}${suffixes}_abcdefg`
    }
  },
  'a taken name is said to be available': class extends MemoryStorage {
    override async getAvailableName(name: string, _options: AvailableNameOptions = {}): Promise<string> {
      return name
    }
  },
  'the root can be deleted': class extends MemoryStorage {
    override async delete(name: string, options: CallOptions = {}): Promise<void> {
      return name === '.' ? undefined : super.delete(name, options)
    }
  },
  'a slash at the end of a name is ignored': class extends MemoryStorage {
    override keyOf(name: string): string {
      return super.keyOf(name).replace(/(?<!^)\/$/, '')
    }
  },
  'a name may climb out': class extends MemoryStorage {
    override keyOf(name: string): string {
      return super.keyOf(name.replaceAll('..', 'up'))
    }
  },
  'exists hides every failure': class extends MemoryStorage {
    override async exists(name: string, options: CallOptions = {}): Promise<boolean> {
      return super.exists(name, options).catch(() => false)
    }
  },
  'a missing file is an empty one': class extends MemoryStorage {
    override createReadStream(name: string, options: ReadStreamOptions = {}): Readable {
      return Readable.from(this.#bytes(name, options), { objectMode: false })
    }
    async *#bytes(name: string, options: ReadStreamOptions): AsyncGenerator<Uint8Array> {
      if (await this.exists(name)) yield* super.createReadStream(name, options) as AsyncIterable<Uint8Array>
    }
  },
  'the end of a range is inclusive': class extends MemoryStorage {
    override createReadStream(name: string, options: ReadStreamOptions = {}): Readable {
      const { end } = options
      return super.createReadStream(name, end === undefined ? options : { ...options, end: end + 1 })
    }
  },
  'a file is published although its work failed': class extends MemoryStorage {
    override async edit<M extends OpenMode, T>(
      name: string,
      mode: M,
      work: (file: StorageFile<M>) => Promise<T> | T,
      options: OpenOptions = {},
    ): Promise<T> {
      await using file = await this.open(name, mode, options)
      return await work(file)
    }
  },
  'an append replaces': class extends MemoryStorage {
    override open<M extends OpenMode = 'rb'>(name: string, mode?: M, options?: OpenOptions): Promise<StorageFile<M>> {
      return super.open(name, mode?.replace('a', 'w') as M, options)
    }
  },
  'x opens what is there': class extends MemoryStorage {
    override open<M extends OpenMode = 'rb'>(name: string, mode?: M, options?: OpenOptions): Promise<StorageFile<M>> {
      return super.open(name, mode?.replace('x', 'w') as M, options)
    }
  },
  'x looks for the name only when it is opened': class extends MemoryStorage {
    override async open<M extends OpenMode>(name: string, mode?: M, options?: OpenOptions): Promise<StorageFile<M>> {
      if (mode?.startsWith('x') !== true) return super.open(name, mode, options)
      if (await this.exists(name)) throw new StorageError('exists', 'taken')
      return super.open(name, mode.replace('x', 'w') as M, options)
    }
  },
  'an opened file reads whatever is there now': class extends MemoryStorage {
    override async open<M extends OpenMode>(name: string, mode?: M, options?: OpenOptions): Promise<StorageFile<M>> {
      const file = await super.open(name, mode, options)
      if (mode !== 'rb') return file
      file.read = async (n?: number | null) => {
        const [start, bytes] = [file.tell(), await this.readBytes(name)]
        await file.seek(n == null ? bytes.length : start + n)
        return bytes.subarray(start, n == null ? undefined : start + n) as Data<M>
      }
      return file
    }
  },
  'a loop over the lines leaves the file open': class extends MemoryStorage {
    override async open<M extends OpenMode>(name: string, mode?: M, options?: OpenOptions): Promise<StorageFile<M>> {
      const file = await super.open(name, mode, options)
      file[Symbol.asyncIterator] = async function* lines() {
        await file.seek(0)
        for (let line = await file.readLine(); line.length > 0; line = await file.readLine()) yield line
      }
      return file
    }
  },
  'a signal is not passed on': class extends MemoryStorage {
    override stat(name: string, _options: CallOptions = {}): Promise<Entry> {
      return super.stat(name)
    }
  },
  'a signal that was aborted before is only noticed at the end': class extends MemoryStorage {
    override async delete(name: string, options: CallOptions = {}): Promise<void> {
      await super.delete(name)
      if (options.signal?.aborted) throw new StorageError('aborted', 'aborted', { outcome: 'not_applied' })
    }
  },
  'names in a listing lack their folder': class extends MemoryStorage {
    override async *entries(
      path?: string,
      options?: CallOptions & { readonly recursive?: boolean },
    ): AsyncGenerator<Entry, void, undefined> {
      for await (const entry of super.entries(path, options)) yield { ...entry, name: entry.name.split('/').at(-1)! }
    }
  },
  'the location shows in the names': class extends MemoryStorage {
    override nameOf(key: string): string {
      return key
    }
  },
}
