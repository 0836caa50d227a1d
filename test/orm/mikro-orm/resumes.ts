/** The entities and the database of the tests of what is special in MikroORM. */
import { type Cascade, EntitySchema, MikroORM, type SqlEntityManager } from '@mikro-orm/sqlite'
import { afterEach, beforeEach, expect } from 'vitest'
import { type ImageFieldFile, imageField, upload } from '../../../src/fields/index.ts'
import { type FileProperty, fileType, mikroFiles } from '../../../src/orm/mikro-orm/index.ts'
import { OrmPlace } from '../suite/conformance.ts'

export class Person {
  id!: number
  name!: string
  resumes!: Resume[]
}
export class Resume {
  id!: number
  title!: string
  pdf!: FileProperty
  photo!: FileProperty<ImageFieldFile>
  photoWidth?: number | null
  person?: Person | null
}

export let place: OrmPlace
export let orm: Awaited<ReturnType<typeof start>>
let detach: () => void
export let statements: string[]

export const bytes = (text: string): Buffer => Buffer.from(text)
export const file = (text: string) => upload(bytes(text), `${text}.txt`)
export const fork = (): SqlEntityManager => orm.em.fork()

/** The header of a PNG. */
export function png(width: number, height: number): Buffer {
  const header = Buffer.from('89504e470d0a1a0a0000000d4948445200000000000000000806000000', 'hex')
  header.writeUInt32BE(width, 16)
  header.writeUInt32BE(height, 20)
  return Buffer.concat([header, Buffer.alloc(16)])
}

const start = () =>
  MikroORM.init({
    entities: schemas(),
    dbName: ':memory:',
    debug: ['query'],
    colors: false,
    logger: message => void statements.push(message),
  })

function schemas(): EntitySchema[] {
  return [
    new EntitySchema({
      class: Person,
      properties: {
        id: { type: 'integer', primary: true },
        name: { type: 'string' },
        resumes: {
          kind: '1:m',
          entity: () => Resume,
          mappedBy: 'person',
          orphanRemoval: true,
          cascade: ['all' as Cascade],
        },
      },
    } as never),
    new EntitySchema({
      class: Resume,
      properties: {
        id: { type: 'integer', primary: true },
        title: { type: 'string', unique: true },
        pdf: { type: fileType(place.pdf()), nullable: true },
        photo: {
          type: fileType(imageField({ storage: place.storage, uploadTo: 'photos', width: 'photoWidth' })),
          nullable: true,
        },
        photoWidth: { type: 'integer', nullable: true },
        person: { kind: 'm:1', entity: () => Person, nullable: true },
      },
    } as never),
  ]
}

/** Each test of the file has a database and a place of its own. */
export function eachWithDatabase(): void {
  beforeEach(async () => {
    place = new OrmPlace()
    statements = []
    orm = await start()
    await orm.schema.create()
    detach = mikroFiles(orm, { registry: place.registry })
  })
  afterEach(async () => {
    detach()
    await orm.close()
    expect([...place.registry.users]).toEqual([])
  })
}

/** Empties what was logged. */
export function forgetStatements(): void {
  statements = []
}

export async function made(title = 'a', content = title): Promise<Resume> {
  const em = fork()
  const resume = em.create(Resume, { title, pdf: file(content) })
  await em.flush()
  return resume
}
export const writes = (): string[] => statements.filter(one => /insert|update|delete/i.test(one))
