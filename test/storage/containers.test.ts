/** `storage.driver`: the containers of an account, through the layers of the storage. */
import { tracingChannel } from 'node:diagnostics_channel'
import { describe, expect, expectTypeOf, test, vi } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { ContainerDriver, ContainerPage, ContainerStat } from '../../src/core/container-driver.ts'
import { type Call, StorageDriver, StorageError } from '../../src/index.ts'
import type { CommonOptions } from '../../src/storage/common-settings.ts'

/** Containers in memory, whose calls can be made to fail. */
class Account extends MemoryDriver {
  readonly names: Set<string> = new Set(['b', 'a', 'c'])
  readonly calls: string[] = []
  readonly failures: Error[] = []
  own = false
  page = (token?: string): ContainerPage => ({
    containers: [...this.names]
      .sort()
      .slice(Number(token ?? 0))
      .slice(0, 2)
      .map(name => ({ name })),
    next: Number(token ?? 0) + 2 < this.names.size ? String(Number(token ?? 0) + 2) : undefined,
  })

  readonly containers: ContainerDriver = {
    create: async name => {
      this.#called(`create ${name}`)
      if (this.names.has(name)) throw new StorageError('exists', 'taken')
      this.names.add(name)
    },
    stat: async name => {
      this.#called(`stat ${name}`)
      if (!this.names.has(name)) throw new StorageError('not_found', 'missing')
      return { name, count: 1 }
    },
    list: async ({ token }) => {
      this.#called(`list ${token}`)
      return this.page(token)
    },
    delete: async name => {
      this.#called(`delete ${name}`)
      if (!this.names.delete(name)) throw new StorageError('not_found', 'missing')
    },
  }

  readonly createContainer = async (): Promise<void> => {
    this.#called('own')
    this.own = true
  }

  #called(what: string): void {
    this.calls.push(what)
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
  }
}

function storage(options: Partial<CommonOptions> = {}) {
  const account = new Account()
  return { account, files: new MemoryStorage(options, { driver: account, settings: {}, env: {} }) }
}

describe('storage.driver', () => {
  test('is one object for the life of a storage, also across close, and has the name of the backend', async () => {
    const { files, account } = storage()
    const { driver } = files
    expect(driver).toBeInstanceOf(StorageDriver)
    expect([driver.name, files.calls.driver]).toEqual(['memory', account])
    await files.close()
    expect(files.driver).toBe(driver)
    expect(await driver.getContainer('a')).toEqual({ name: 'a', count: 1 })
    expectTypeOf(driver.createContainer('x')).resolves.toEqualTypeOf<ContainerStat>()
  })

  test('creates, looks up, lists and deletes, by names and by what a listing returns', async () => {
    const { files, account } = storage()
    expect(await files.driver.createContainer('d')).toEqual({ name: 'd' })
    const listed = await files.driver.listContainers()
    expect(listed.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd'])
    await files.driver.deleteContainer(listed[1]!)
    await files.driver.createContainer(listed[1]!)
    expect(await files.driver.getContainer(listed[1]!)).toMatchObject({ name: 'b' })
    expect(account.calls).toEqual(['create d', 'list undefined', 'list 2', 'delete b', 'create b', 'stat b'])
  })

  test('iterates page by page: no page is asked for before it is needed', async () => {
    const { files, account } = storage()
    for await (const { name } of files.driver.iterateContainers()) if (name === 'b') break
    expect(account.calls).toEqual(['list undefined'])
  })

  test('creates the own container of the storage where no name is given', async () => {
    const { files, account } = storage()
    expect(await files.driver.createContainer()).toBeUndefined()
    await files.createContainer()
    expect([account.own, account.calls]).toEqual([true, ['own', 'own']])
  })

  test('is unsupported where the backend has no containers', async () => {
    const files = new MemoryStorage({}, { settings: {}, env: {} })
    expect([files.supports('containers'), storage().files.supports('containers')]).toEqual([false, true])
    for (const call of callsOf(files.driver, 'a')) {
      await expect(call()).rejects.toMatchObject({ code: 'unsupported', backend: 'memory' })
    }
    await expect(files.driver.createContainer()).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('names the container in its errors, and says that it is a container that is missing', async () => {
    const { files } = storage()
    const error = await files.driver.deleteContainer('x').catch(reason => reason)
    expect(error).toMatchObject({
      code: 'not_found',
      operation: 'deleteContainer',
      containerName: 'x',
      fileName: undefined,
      backend: 'memory',
      message: "deleteContainer 'x': the container does not exist.",
    })
    expect(error.toJSON()).toMatchObject({ containerName: 'x' })
    await expect(files.driver.createContainer('a')).rejects.toMatchObject({ code: 'exists', containerName: 'a' })
    await expect(files.stat('x')).rejects.toMatchObject({
      containerName: undefined,
      message: "stat 'x': the file does not exist.",
    })
  })

  test('repeats lookups, and changes only where nothing was done', async () => {
    const lost = (): Error => new StorageError('unavailable', 'lost', { retryAfterMs: 0 })
    const refused = (): Error => new StorageError('throttled', 'slow down', { retryAfterMs: 0 })
    const { files, account } = storage({ maxAttempts: 2 })
    account.failures.push(lost())
    await files.driver.getContainer('a')
    account.failures.push(lost())
    await files.driver.listContainers()
    account.failures.push(refused())
    await files.driver.createContainer('d')
    account.failures.push(refused())
    await files.driver.deleteContainer('d')
    account.failures.push(lost())
    await expect(files.driver.createContainer('d')).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
    account.failures.push(lost())
    await expect(files.driver.deleteContainer('a')).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' })
    const counted = ['stat a', 'create d', 'delete d', 'delete a'].map(
      call => account.calls.filter(each => each === call).length,
    )
    expect(counted).toEqual([2, 3, 2, 1])
  })

  test('refuses changes on a read-only storage before anything is sent', async () => {
    const { files, account } = storage({ readOnly: true })
    const refused = { code: 'permission_denied' }
    await expect(files.driver.createContainer('x')).rejects.toMatchObject(refused)
    await expect(files.driver.createContainer()).rejects.toMatchObject(refused)
    await expect(files.driver.deleteContainer('a')).rejects.toMatchObject(refused)
    expect(account.calls).toEqual([])
    expect(await files.driver.listContainers()).toHaveLength(3)
  })

  test('refuses names that are no part of a path', async () => {
    const { files, account } = storage()
    const names = ['', '.', '..', 'a/b', 'a\\b', '/', 'a\0', 'a\n', 'a\u007f', '\udc00', 7, null, {}, []]
    for (const name of names) {
      for (const call of callsOf(files.driver, name as string).slice(1)) {
        await expect(call(), String(name)).rejects.toMatchObject({ code: 'invalid_argument' })
      }
    }
    expect(account.calls).toEqual([])
  })

  test('begins nothing once the signal was aborted, and ends a listing between its pages', async () => {
    const { files, account } = storage()
    for (const call of callsOf(files.driver, 'a', AbortSignal.abort())) {
      await expect(call()).rejects.toMatchObject({ code: 'aborted', outcome: 'not_applied' })
    }
    await expect(files.driver.createContainer(undefined, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    })
    expect(account.calls).toEqual([])
    const abort = new AbortController()
    const walk = async (): Promise<void> => {
      for await (const _ of files.driver.iterateContainers({ signal: abort.signal })) abort.abort()
    }
    await expect(walk()).rejects.toMatchObject({ code: 'aborted', operation: 'listContainers' })
    expect(account.calls).toEqual(['list undefined'])
  })

  test('ends a listing that does not go on', async () => {
    for (const page of [
      (): ContainerPage => ({ containers: [{ name: 'a' }], next: 't' }),
      (token?: string): ContainerPage => ({ containers: [{ name: 'a' }], next: `${token}+` }),
    ]) {
      const { files, account } = storage()
      account.page = page
      await expect(files.driver.listContainers()).rejects.toMatchObject({
        code: 'unavailable',
        operation: 'listContainers',
        message: expect.stringContaining('does not go on'),
      })
      expect(account.calls.length).toBeLessThan(5)
    }
  })

  test('is traced by the names of its methods', async () => {
    const { files } = storage()
    const seen = await tracedCalls(
      ['createContainer', 'getContainer', 'listContainers', 'deleteContainer'],
      async () => {
        await files.driver.createContainer('d')
        await files.driver.getContainer('d')
        await files.driver.listContainers()
        await files.driver.deleteContainer('d')
      },
    )
    expect(seen.map(({ operation, containerName }) => [operation, containerName])).toEqual([
      ['createContainer', 'd'],
      ['getContainer', 'd'],
      ['listContainers', undefined],
      ['listContainers', undefined],
      ['deleteContainer', 'd'],
    ])
  })

  test('can be a richer one of a backend', async () => {
    class Richer extends StorageDriver {
      override async getContainer(name: string): Promise<ContainerStat & { readonly objects: string }> {
        return { ...(await super.getContainer(name)), objects: `of ${name}` }
      }
    }
    class Rich extends MemoryStorage {
      protected override makeDriver(): StorageDriver {
        return new Richer(this)
      }
      override get driver(): Richer {
        return super.driver as Richer
      }
    }
    const made = vi.fn()
    const files = new Rich({}, { driver: new Account(), settings: {}, env: {} })
    made(files.driver)
    expect(files.driver).toBe(made.mock.calls[0]![0])
    expect(await files.driver.getContainer('a')).toEqual({ name: 'a', count: 1, objects: 'of a' })
  })
})

/** What is published of the calls that `work` makes. */
async function tracedCalls(operations: readonly string[], work: () => Promise<void>): Promise<Call[]> {
  const seen: Call[] = []
  const ends = operations.map(operation => {
    const channel = tracingChannel<string, Call>(`holdall:${operation}`)
    const listener = { start: (call: Call): void => void seen.push(call) }
    channel.subscribe(listener as never)
    return () => channel.unsubscribe(listener as never)
  })
  try {
    await work()
  } finally {
    for (const end of ends) end()
  }
  return seen
}

function callsOf(driver: StorageDriver, name: string, signal?: AbortSignal): Array<() => Promise<unknown>> {
  return [
    () => driver.listContainers({ signal }),
    () => driver.createContainer(name, { signal }),
    () => driver.getContainer(name, { signal }),
    () => driver.deleteContainer(name, { signal }),
  ]
}
