/** What the suite of containers finds: a sound account passes, and each bug fails a case. */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { MemoryDriver } from '../../src/backends/memory/driver.ts'
import type { CallContext } from '../../src/core/call.ts'
import type { ContainerDriver, ContainerPage, ContainerStat } from '../../src/core/container-driver.ts'
import type { Driver } from '../../src/core/driver.ts'
import { StorageError } from '../../src/core/errors.ts'
import { containerConformance } from '../../src/testing/index.ts'

type PageOf = Parameters<ContainerDriver['list']>[0]

/** A driver of one container of an account. */
class Store extends MemoryDriver {
  readonly containers: ContainerDriver

  constructor(account: ContainerDriver) {
    super()
    this.containers = account
  }
}

/** Containers in memory; each has a driver of its own. */
class Account implements ContainerDriver {
  readonly stores: Map<string, Store> = new Map([['own', new Store(this)]])

  check(_name: string, { signal }: CallContext): void {
    signal.throwIfAborted()
  }

  async create(name: string, ctx: CallContext): Promise<void> {
    this.check(name, ctx)
    if (/[^a-z0-9-]/.test(name)) throw new StorageError('invalid_argument', `'${name}' is refused.`)
    if (this.stores.has(name)) throw new StorageError('exists', `'${name}' is taken.`)
    this.stores.set(name, new Store(this))
  }

  async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
    this.check(name, ctx)
    if (!this.stores.has(name)) throw new StorageError('not_found', `'${name}' is missing.`)
    return { name, createdAt: new Date(), count: 0, size: 0 }
  }

  async list({ token = '', limit = 2 }: PageOf, ctx: CallContext): Promise<ContainerPage> {
    this.check('', ctx)
    const names = [...this.stores.keys()].sort().filter(name => name > token)
    const containers = names.slice(0, limit).map(name => ({ name }))
    return { containers, next: names.length > limit ? containers.at(-1)!.name : undefined }
  }

  async delete(name: string, ctx: CallContext): Promise<void> {
    await this.stat(name, ctx)
    const { files } = await this.stores.get(name)!.list('', { recursive: true }, ctx)
    if (files.length > 0) throw new StorageError('not_empty', `'${name}' is not empty.`)
    this.stores.delete(name)
  }

  driver(name = 'own'): Driver {
    return this.stores.get(name) ?? new Store(this)
  }
}

const MUTANTS: Readonly<Record<string, new () => Account>> = {
  'creates what is there': class extends Account {
    override async create(name: string, ctx: CallContext): Promise<void> {
      if (!this.stores.has(name)) await super.create(name, ctx)
    }
  },
  'empties what is created again': class extends Account {
    override async create(name: string, ctx: CallContext): Promise<void> {
      const old = this.stores.get(name)
      if (old !== undefined) await old.delete('kept.txt', ctx)
      await super.create(name, ctx)
    }
  },
  'deletes what is full': class extends Account {
    override async delete(name: string, ctx: CallContext): Promise<void> {
      await this.stat(name, ctx)
      this.stores.delete(name)
    }
  },
  'deletes the files and refuses the container': class extends Account {
    override async delete(name: string, ctx: CallContext): Promise<void> {
      const full = await super.delete(name, ctx).catch((error: unknown) => error)
      await this.stores.get(name)?.delete('folder/kept.txt', ctx)
      if (full !== undefined) throw full
    }
  },
  'deletes what is missing in silence': class extends Account {
    override async delete(name: string, ctx: CallContext): Promise<void> {
      if (this.stores.has(name)) await super.delete(name, ctx)
    }
  },
  'deletes nothing': class extends Account {
    override async delete(name: string, ctx: CallContext): Promise<void> {
      await this.stat(name, ctx)
    }
  },
  'deletes by the beginning of the name': class extends Account {
    override async delete(name: string, ctx: CallContext): Promise<void> {
      await super.delete(name, ctx)
      for (const other of [...this.stores.keys()]) if (other.startsWith(name)) this.stores.delete(other)
    }
  },
  'creates what is looked up': class extends Account {
    override async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
      if (!this.stores.has(name)) await this.create(name, ctx)
      return super.stat(name, ctx)
    }
  },
  'finds what is missing': class extends Account {
    override async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
      this.check(name, ctx)
      return { name }
    }
  },
  'gives the first page only': class extends Account {
    override async list(page: PageOf, ctx: CallContext): Promise<ContainerPage> {
      return { ...(await super.list(page, ctx)), next: undefined }
    }
  },
  'gives the last of a page again': class extends Account {
    override async list({ token, limit }: PageOf, ctx: CallContext): Promise<ContainerPage> {
      const page = await super.list({ token, limit }, ctx)
      return token === undefined ? page : { ...page, containers: [{ name: token }, ...page.containers] }
    }
  },
  'gives one token for ever': class extends Account {
    override async list({ limit }: PageOf, ctx: CallContext): Promise<ContainerPage> {
      return { ...(await super.list({ limit }, ctx)), next: 'a' }
    }
  },
  'ignores the limit': class extends Account {
    override async list({ token }: PageOf, ctx: CallContext): Promise<ContainerPage> {
      return super.list({ token, limit: 100 }, ctx)
    }
  },
  'lists nothing once the signal was aborted': class extends Account {
    override async list(page: PageOf, ctx: CallContext): Promise<ContainerPage> {
      return ctx.signal.aborted ? { containers: [] } : super.list(page, ctx)
    }
  },
  'deletes although the signal was aborted': class extends Account {
    override check(): void {}
  },
  'creates another name than the odd one': class extends Account {
    override async create(name: string, ctx: CallContext): Promise<void> {
      await super.create(name.replaceAll(/[^a-z0-9-]/g, '-'), ctx)
    }
  },
  'gives a time of long ago': class extends Account {
    override async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
      return { ...(await super.stat(name, ctx)), createdAt: new Date(0) }
    }
  },
  'gives no time': class extends Account {
    override async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
      return { ...(await super.stat(name, ctx)), createdAt: undefined }
    }
  },
}

/** The titles of the cases that fail. */
async function failing(Kind: new () => Account): Promise<string[]> {
  const account = new Kind()
  const cases = containerConformance({ create: name => account.driver(name), limits: true, keeps: ['createdAt'] })
  const failed: string[] = []
  for (const { title, run } of cases) await run().catch(() => failed.push(title))
  return failed
}

describe('the conformance of containers', () => {
  it('finds nothing in a sound account, and leaves nothing there', async () => {
    const account = new Account()
    for (const { run } of containerConformance({ create: name => account.driver(name), keeps: ['createdAt'] }))
      await run()
    assert.deepEqual([...account.stores.keys()], ['own'])
  })

  for (const [bug, Mutant] of Object.entries(MUTANTS)) {
    it(`finds an account that ${bug}`, async () => {
      const failed = await failing(Mutant)
      assert.ok(failed.length > 0, 'no case failed')
      assert.ok(failed.length < 9, 'every case failed: the mutant is no small bug')
    })
  }
})
