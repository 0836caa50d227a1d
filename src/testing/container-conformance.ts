import assert from 'node:assert/strict'
import { nodeCrypto } from '../core/builtin.ts'
import type { ContainerDriver, ContainerStat } from '../core/container-driver.ts'
import { toContent } from '../core/content.ts'
import type { Driver } from '../core/driver.ts'
import { classifyCommon, type ErrorCode, isStorageError } from '../core/errors.ts'
import { type CaseOf, type ConformanceCase, cleaned } from './case.ts'
import { plainContext } from './context.ts'

/** The driver to be tested, and its properties. */
export interface ContainerConformanceOptions {
  /**
   * Returns a driver with `containers`, in the container of that name; without a name in one that exists. Called for each case, and again
   * for a container that the case has created.
   */
  create(container?: string): Promise<Driver> | Driver
  /** Returns a name that the service accepts, made of a unique part of 12 lower-case letters and digits. Default: `holdall-<unique>`. */
  readonly nameOf?: (unique: string) => string
  /** Whether a page has at most the requested number of containers. */
  readonly limits?: boolean
  /** Fields that `stat` must return. */
  readonly keeps?: ReadonlyArray<Exclude<keyof ContainerStat, 'name'>>
  /** Maximum difference of the server's clock, in seconds. Default: 300. */
  readonly clockToleranceSecs?: number
}

/**
 * Returns the tests of the rules for the containers of a driver. Only containers that a case has created are changed or deleted, so that it
 * can run in an account that has others.
 * @example
 * registerConformance({ describe, it }, containerConformance({ create: bucketName => driverFor({ bucketName }) }))
 */
export function containerConformance(options: ContainerConformanceOptions): ConformanceCase[] {
  return CASES.map(({ title, run }) => ({
    title,
    async run() {
      const driver = await options.create()
      const account = new Account(driver, options)
      await cleaned(
        () => run(account),
        () => account.end(),
      )
    },
  }))
}

/** The containers of an account, with helper methods for the cases. */
class Account {
  readonly driver: Driver
  readonly containers: ContainerDriver
  readonly options: ContainerConformanceOptions
  readonly ctx = plainContext()
  readonly #made: string[] = []
  readonly #others: Driver[] = []

  constructor(driver: Driver, options: ContainerConformanceOptions) {
    assert.ok(driver.containers !== undefined, 'the driver has no containers')
    this.driver = driver
    this.containers = driver.containers
    this.options = options
  }

  /** Returns a name that no container has. */
  newName(): string {
    const { nameOf = unique => `holdall-${unique}` } = this.options
    const name = nameOf(nodeCrypto().randomUUID().replaceAll('-', '').slice(0, 12))
    this.#made.push(name)
    return name
  }

  async made(name: string = this.newName()): Promise<string> {
    await this.containers.create(name, this.ctx)
    return name
  }

  /** Returns the driver of a container. */
  async within(name: string): Promise<Driver> {
    const driver = await this.options.create(name)
    this.#others.push(driver)
    return driver
  }

  /** Returns all pages of the listing; a repeated token fails. */
  async list(limit?: number): Promise<ContainerStat[]> {
    const all: ContainerStat[] = []
    const tokens = new Set<string>()
    let token: string | undefined
    do {
      const page = await this.containers.list({ token, limit }, this.ctx)
      if (limit !== undefined && this.options.limits === true) assert.ok(page.containers.length <= limit, 'the limit')
      all.push(...page.containers)
      token = page.next
      assert.ok(token === undefined || !tokens.has(token), 'a page gave a token that was given before')
      assert.ok(tokens.size < 10_000, 'the listing has no end')
      if (token !== undefined) tokens.add(token)
    } while (token !== undefined)
    return all
  }

  /** Returns those of the names that a listing contains, in the order of the names and as often as it contains them. */
  async listed(names: readonly string[], limit?: number): Promise<string[]> {
    const found = (await this.list(limit)).map(({ name }) => name)
    return found.filter(name => names.includes(name)).sort()
  }

  /** Returns the code with which a call failed, as a `Storage` would report it; undefined where it did not fail. */
  async codeOf(call: Promise<unknown>): Promise<ErrorCode | undefined> {
    try {
      await call
      return undefined
    } catch (error) {
      return isStorageError(error) ? error.code : (this.driver.classify(error) ?? classifyCommon(error))
    }
  }

  async fails(call: Promise<unknown>, code: ErrorCode): Promise<void> {
    assert.equal(await this.codeOf(call), code)
  }

  /** Deletes the containers that a case has made, with their files. */
  async end(): Promise<void> {
    for (const name of this.#made) {
      const found = await this.codeOf(this.containers.stat(name, this.ctx))
      if (found !== undefined) continue
      const driver = await this.within(name)
      const { files } = await driver.list('', { recursive: true }, this.ctx)
      for (const { key } of files) await driver.delete(key, this.ctx)
      await this.containers.delete(name, this.ctx)
    }
    for (const driver of [...this.#others, this.driver]) await driver.close?.()
  }
}

/** Names that some services accept and others reject. None may be treated as another name, or as a path or a query. */
const ODD_NAMES = ['with blank', 'Ünïcode', 'a?b=c', 'a#b', 'a%2fb', '%2e%2e', 'a&b', "it's", 'UPPER', 'x', '-x-']

const CASES: readonly CaseOf<Account>[] = [
  {
    title: 'A container that was created is found and listed, and is gone once it was deleted.',
    async run(account) {
      const { containers, ctx } = account
      const name = account.newName()
      await account.fails(containers.stat(name, ctx), 'not_found')
      assert.deepEqual(await account.listed([name]), [])
      await account.made(name)
      const stat = await containers.stat(name, ctx)
      assert.equal(stat.name, name)
      for (const field of account.options.keeps ?? []) assert.notEqual(stat[field], undefined, field)
      const listed = (await account.list()).filter(each => each.name === name)
      assert.equal(listed.length, 1)
      checkNew(stat, account.options)
      checkNew(listed[0]!, account.options)
      await containers.delete(name, ctx)
      await account.fails(containers.stat(name, ctx), 'not_found')
      assert.deepEqual(await account.listed([name]), [])
    },
  },
  {
    title: 'A name that is taken is refused with `exists`, and the container stays as it is.',
    async run(account) {
      const name = await account.made()
      const driver = await account.within(name)
      await driver.write('kept.txt', toContent('bytes'), {}, account.ctx)
      await account.fails(account.containers.create(name, account.ctx), 'exists')
      assert.equal((await driver.stat('kept.txt', account.ctx)).size, 5)
    },
  },
  {
    title: 'A listing in pages has each container once.',
    async run(account) {
      const names = await Promise.all([1, 2, 3].map(() => account.made()))
      names.sort()
      assert.deepEqual(await account.listed(names, 1), names)
      assert.deepEqual(await account.listed(names, 2), names)
      assert.deepEqual(await account.listed(names), names)
    },
  },
  {
    title: 'A container that holds a file is not deleted: `not_empty`, and the file stays.',
    async run(account) {
      const { containers, ctx } = account
      const name = await account.made()
      const driver = await account.within(name)
      await driver.write('folder/kept.txt', toContent('bytes'), {}, ctx)
      await account.fails(containers.delete(name, ctx), 'not_empty')
      assert.equal((await driver.stat('folder/kept.txt', ctx)).size, 5)
      assert.equal((await containers.stat(name, ctx)).name, name)
      await driver.delete('folder/kept.txt', ctx)
      await containers.delete(name, ctx)
      await account.fails(containers.stat(name, ctx), 'not_found')
    },
  },
  {
    title: 'A missing container is `not_found` for every call, and none makes it.',
    async run(account) {
      const { containers, ctx } = account
      const name = account.newName()
      await account.fails(containers.stat(name, ctx), 'not_found')
      await account.fails(containers.delete(name, ctx), 'not_found')
      await account.fails(containers.stat(name, ctx), 'not_found')
      assert.deepEqual(await account.listed([name]), [])
    },
  },
  {
    title: 'Deleting a container leaves those whose names begin alike.',
    async run(account) {
      const name = await account.made()
      const longer = `${name}2`
      await account.made(longer)
      await cleaned(
        async () => {
          await account.containers.delete(name, account.ctx)
          assert.deepEqual(await account.listed([name, longer]), [longer])
        },
        () => account.containers.delete(longer, account.ctx),
      )
    },
  },
  {
    title: 'A container can be created again once it was deleted.',
    async run(account) {
      const { containers, ctx } = account
      const name = await account.made()
      await containers.delete(name, ctx)
      const again = await account.codeOf(containers.create(name, ctx))
      // Azure reserves the name for a while.
      if (again === undefined) assert.equal((await containers.stat(name, ctx)).name, name)
      else assert.equal(again, 'unavailable')
    },
  },
  {
    title: 'An odd name is refused, or kept as it is written.',
    async run(account) {
      const { containers, ctx } = account
      for (const name of ODD_NAMES) {
        const before = new Set((await account.list()).map(each => each.name))
        if (before.has(name)) continue
        const refused = await account.codeOf(containers.create(name, ctx))
        const added = (await account.list()).map(each => each.name).filter(each => !before.has(each))
        if (refused !== undefined) {
          assert.ok(['invalid_argument', 'permission_denied', 'exists'].includes(refused), `${name}: ${refused}`)
          assert.ok(!added.includes(name), `${name} was made and refused`)
          continue
        }
        assert.ok(added.includes(name), `${name} is not listed`)
        assert.equal((await containers.stat(name, ctx)).name, name)
        await containers.delete(name, ctx)
        await account.fails(containers.stat(name, ctx), 'not_found')
      }
    },
  },
  {
    title: 'A call with an aborted signal is refused and changes nothing.',
    async run(account) {
      const { containers } = account
      const kept = await account.made()
      const name = account.newName()
      const ctx = plainContext(AbortSignal.abort())
      await assert.rejects(containers.create(name, ctx), 'create')
      await assert.rejects(containers.delete(kept, ctx), 'delete')
      await assert.rejects(containers.stat(kept, ctx), 'stat')
      await assert.rejects(containers.list({}, ctx), 'list')
      assert.deepEqual(await account.listed([name, kept]), [kept])
    },
  },
]

/** Checks the attributes of a container that was created just now. */
function checkNew({ createdAt, count, size }: ContainerStat, options: ContainerConformanceOptions): void {
  const { clockToleranceSecs = 300 } = options
  if (createdAt !== undefined) {
    const awaySecs = Math.abs(createdAt.getTime() - Date.now()) / 1000
    assert.ok(awaySecs <= clockToleranceSecs, `createdAt is ${awaySecs} seconds away`)
  }
  assert.ok(count === undefined || count === 0, 'count')
  assert.ok(size === undefined || size === 0, 'size')
}
