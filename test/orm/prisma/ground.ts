import type { FieldFile, FileField } from '../../../src/fields/index.ts'
import { prismaFiles } from '../../../src/orm/prisma/index.ts'
import {
  BREAK_COMMIT,
  clearing,
  type Dialect,
  type Id,
  NAMES,
  type NewResume,
  type OrmGround,
  type OrmPlace,
  pinning,
  type ResumeRow,
  type ResumeValues,
  TITLES,
} from '../suite/conformance.ts'
import { dialectOf, makeTables, type PrismaClient, prismaClient } from './clients.ts'

const extended = (client: PrismaClient, { registry }: OrmPlace, pdf: FileField, photo: FileField) =>
  client.$extends(prismaFiles({ Resume: { pdf, photo } }, { registry }))

type Db = ReturnType<typeof extended>
type Tx = Omit<Db, '$extends' | '$connect' | '$disconnect' | '$on' | '$use'>

/** Prisma on a database: the URL of a server, or the name of a file for SQLite. */
export async function openPrisma(place: OrmPlace, database?: string): Promise<PrismaGround> {
  const client = prismaClient(database)
  const dialect = dialectOf(database ?? '')
  await makeTables(client, dialect)
  return new PrismaGround(client, dialect, place)
}

export class PrismaGround implements OrmGround<Tx> {
  readonly lacks: OrmGround['lacks'] & object
  readonly atOnce = 8
  readonly breakCommit?: (tx: Tx) => Promise<unknown>
  readonly #client: PrismaClient
  readonly #dialect: Dialect
  readonly #db: Db

  constructor(client: PrismaClient, dialect: Dialect, place: OrmPlace) {
    this.#client = client
    this.#dialect = dialect
    this.#db = extended(client, place, place.pdf(), place.photo())
    this.lacks = {
      findWhere: 'conditions of Prisma take names: file.name',
      begin: 'Prisma has no transactions that the program ends itself',
      ambient: 'Prisma has no transactions that are not passed on',
      ...(dialect === 'mariadb' && { breakCommit: 'MariaDB checks nothing at the commit' }),
      ...(dialect === 'sqlite' && { breakCommit: 'the adapter of better-sqlite3 is stuck after a commit that failed' }),
    }
    if (dialect === 'postgres') this.breakCommit = tx => tx.$executeRawUnsafe(BREAK_COMMIT)
  }

  async create(data: NewResume, tx: Tx = this.#db): Promise<Id> {
    return (await tx.resume.create({ data: data as never })).id
  }

  find(id: Id, tx: Tx = this.#db): Promise<ResumeRow | null> {
    return tx.resume.findFirst({ where: { id: Number(id), deletedAt: null } })
  }

  update(id: Id, data: ResumeValues, tx: Tx = this.#db): Promise<unknown> {
    return tx.resume.update({ where: { id: Number(id) }, data: data as never })
  }

  remove(id: Id, tx: Tx = this.#db): Promise<unknown> {
    return tx.resume.delete({ where: { id: Number(id) } })
  }

  createMany(data: readonly NewResume[], tx: Tx = this.#db): Promise<unknown> {
    return tx.resume.createMany({ data: data as never })
  }

  updateWhere(titles: readonly string[], data: ResumeValues, tx: Tx = this.#db): Promise<unknown> {
    return tx.resume.updateMany({ where: { title: { in: [...titles] } }, data: data as never })
  }

  removeWhere(titles: readonly string[], tx: Tx = this.#db): Promise<unknown> {
    return tx.resume.deleteMany({ where: { title: { in: [...titles] } } })
  }

  softRemove(id: Id, tx: Tx = this.#db): Promise<unknown> {
    return tx.resume.update({ where: { id: Number(id) }, data: { deletedAt: new Date() } })
  }

  async fileOf(id: Id, attribute: 'pdf' | 'photo', tx: Tx = this.#db): Promise<FieldFile> {
    return (await tx.resume.findUniqueOrThrow({ where: { id: Number(id) } }))[attribute]
  }

  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#db.$transaction(work, { maxWait: 60_000, timeout: 60_000 })
  }

  savepoint<T>(tx: Tx, work: (inner: Tx) => Promise<T>): Promise<T> {
    return tx.$transaction(work)
  }

  pin(id: Id): Promise<unknown> {
    return this.#client.$executeRawUnsafe(pinning(Number(id)))
  }

  async names(): Promise<string[]> {
    const rows = await this.#client.$queryRawUnsafe<{ name: string }[]>(NAMES)
    return rows.map(({ name }) => name)
  }

  async titles(): Promise<string[]> {
    const rows = await this.#client.$queryRawUnsafe<{ title: string }[]>(TITLES)
    return rows.map(({ title }) => title)
  }

  async clear(): Promise<void> {
    for (const statement of clearing(this.#dialect)) await this.#client.$executeRawUnsafe(statement)
  }

  async close(): Promise<void> {
    this.#db.$files.detach()
    await this.#client.$disconnect()
  }
}
