import {
  ChildEntity,
  Column,
  DataSource,
  Entity,
  EntitySchema,
  In,
  IsNull,
  Like,
  type ObjectLiteral,
  PrimaryGeneratedColumn,
  TableInheritance,
} from 'typeorm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FieldFile, FileRegistry, fileField, imageField, storedFile, upload } from '../../../src/fields/index.ts'
import { MemoryStorage } from '../../../src/index.ts'
import { fileColumn, typeormFiles } from '../../../src/orm/typeorm/index.ts'
import { pictures } from '../../fields/pictures.ts'

/** What only TypeORM has: see conformance.test.ts for the rest. */

const storage = new MemoryStorage()
const file = (folder: string) => fileColumn(fileField({ storage, uploadTo: folder }))
const content = (name: string) => upload(Buffer.from(name), `${name}.txt`)
const id = { type: Number, primary: true, generated: true } as const

/** As decorators make it; they cannot be written where types are only stripped. */
class Person {
  id!: number
  name!: string
  cv!: FieldFile
}
PrimaryGeneratedColumn()(Person.prototype, 'id')
Column({ type: 'varchar', unique: true })(Person.prototype, 'name')
Column(file('cvs'))(Person.prototype, 'cv')
Entity('people')(Person)

interface Album {
  id: number
  title: string
  cover: FieldFile
  width: number | null
  height: number | null
  papers: { contract: FieldFile }
  songs: { id: number; text: FieldFile }[]
}
const albums = new EntitySchema<Album>({
  name: 'album',
  columns: {
    id,
    title: { type: String },
    cover: fileColumn(imageField({ storage, uploadTo: 'covers', width: 'width', height: 'height' })),
    width: { type: Number, nullable: true },
    height: { type: Number, nullable: true },
  },
  embeddeds: { papers: { schema: new EntitySchema({ name: 'papers', columns: { contract: file('contracts') } }) } },
  relations: { songs: { type: 'one-to-many', target: 'song', inverseSide: 'album', cascade: true } },
})
const songs = new EntitySchema<ObjectLiteral>({
  name: 'song',
  columns: { id, text: fileColumn(fileField({ storage, uploadTo: 'texts', emptyValue: '' })) },
  relations: { album: { type: 'many-to-one', target: 'album', inverseSide: 'songs', onDelete: 'CASCADE' } },
})

/** Two kinds of entities in one table. */
class Item {
  id!: number
  file!: FieldFile
}
class Song extends Item {
  text!: FieldFile
}
PrimaryGeneratedColumn()(Item.prototype, 'id')
Column({ ...file('files'), name: 'file_name' })(Item.prototype, 'file')
Column(file('texts'))(Song.prototype, 'text')
TableInheritance({ column: { type: 'varchar', name: 'kind' } })(Item)
Entity('items')(Item)
ChildEntity()(Song)

for (const type of ['sqljs', 'better-sqlite3'] as const) {
  describe(type, () => {
    const registry = new FileRegistry()
    let db: DataSource
    let detach: () => void
    beforeEach(async () => {
      const options = type === 'sqljs' ? { type } : { type, database: ':memory:' }
      db = await new DataSource({
        ...options,
        synchronize: true,
        entities: [Person, Item, Song, albums, songs],
      }).initialize()
      detach = typeormFiles(db, { registry })
    })
    afterEach(async () => {
      detach()
      await db.destroy()
      for (const name of await files()) await storage.delete(name)
      expect([...registry.users]).toEqual([])
    })
    const people = () => db.getRepository(Person)

    it('the entity of a class with decorators has files', async () => {
      const person = people().create({ name: 'Ann', cv: content('one') })
      expect(person).toBeInstanceOf(Person)
      await people().save(person)
      expect(`${await person.cv.read()}`).toBe('one')
      people().merge(person, { cv: content('two') })
      await people().save(person)
      expect(await files()).toEqual(['cvs/two.txt'])
      person.cv.assign(content('three'))
      await people().save(person)
      expect([person.cv.name, ...(await files())]).toEqual(['cvs/three.txt', 'cvs/three.txt'])
      const found = await people().findOneByOrFail({ cv: person.cv })
      await found.cv.save('four.txt', Buffer.from('4'))
      expect(await files()).toEqual(['cvs/four.txt'])
      expect(JSON.stringify(found)).toBe(`{"id":${person.id},"name":"Ann","cv":"cvs/four.txt"}`)
    })

    it('conditions transform the names in operators', async () => {
      await people().save([{ name: 'Ann', cv: content('one') }, { name: 'Bob' }])
      const { cv } = await people().findOneByOrFail({ name: 'Ann' })
      const names = async (cv: object) => (await people().findBy({ cv } as object)).map(({ name }) => name)
      expect(await names(In([cv, 'cvs/two.txt']))).toEqual(['Ann'])
      expect(await names(Like('cvs/%'))).toEqual(['Ann'])
      expect(await names(IsNull())).toEqual(['Bob'])
      expect((await people().findOneByOrFail({ name: 'Bob' })).cv.isEmpty).toBe(true)
    })

    it('files of embedded entities, of cascades and of images are stored, and go', async () => {
      const picture = (await pictures()).find(({ name }) => name === 'plain.png')!
      const repository = db.getRepository(albums)
      const album = await repository.save({
        title: 'a',
        cover: upload(picture.bytes, 'cover.png'),
        papers: { contract: content('contract') },
        songs: [{ text: content('first') }, { text: content('second') }],
      })
      expect([album.width, album.height]).toEqual([picture.width, picture.height])
      expect(await files()).toEqual([
        'contracts/contract.txt',
        'covers/cover.png',
        'texts/first.txt',
        'texts/second.txt',
      ])
      const found = await repository.findOneOrFail({ where: { id: album.id }, relations: { songs: true } })
      expect(found.papers.contract.name).toBe('contracts/contract.txt')
      await found.papers.contract.save('other.txt', Buffer.from('other'))
      await found.songs[0]!.text.delete()
      await found.cover.delete()
      expect(await repository.findOneByOrFail({ id: album.id })).toMatchObject({ width: null, height: null })
      expect([found.width, ...(await files())]).toEqual([null, 'contracts/other.txt', 'texts/second.txt'])
      expect(await db.query('SELECT text FROM song ORDER BY id')).toEqual([{ text: '' }, { text: 'texts/second.txt' }])
      // The songs go by a cascade of the database, which TypeORM does not see.
      await repository.remove(await repository.findOneByOrFail({ id: album.id }))
      expect([await db.query('SELECT * FROM song'), await files()]).toEqual([[], ['texts/second.txt']])
    })

    it('an inherited entity has the files of both kinds, which know of each other', async () => {
      const songs = db.getRepository(Song)
      const song = await songs.save({ file: content('one'), text: content('two') })
      const item = await db.getRepository(Item).save({ file: song.text })
      await songs.remove(song)
      expect(await files()).toEqual(['texts/two.txt'])
      const found = await db.getRepository(Item).findOneByOrFail({ id: item.id })
      await found.file.save('three.txt', Buffer.from('three'))
      expect(await files()).toEqual(['files/three.txt'])
    })

    it('an unset file of a new entity is empty after it was saved', async () => {
      expect((await people().save({ name: 'Ann' })).cv.isEmpty).toBe(true)
      const bob = await people().save({ name: 'Bob', cv: null })
      expect(bob.cv.isEmpty).toBe(true)
      // By the default of the database.
      const song = await db.getRepository(songs).save({})
      expect([song.text instanceof FieldFile, song.text.name]).toEqual([true, ''])
      const { cv } = bob
      await people().save(people().merge(bob, { name: 'Ben' }))
      expect(bob.cv, 'the same object').toBe(cv)
    })

    it('an insert in a transaction stores content; outside of one it is refused', async () => {
      const refused = { code: 'invalid_argument', message: expect.stringContaining("'cv' takes the name") as string }
      await expect(people().insert(people().create({ name: 'Ann', cv: content('one') }))).rejects.toMatchObject(refused)
      await db.transaction(manager => manager.insert(Person, people().create({ name: 'Ann', cv: content('two') })))
      expect(await files()).toEqual(['cvs/two.txt'])
    })

    it('an upsert in a transaction stores content and keeps the old file; outside of one it is refused', async () => {
      const { id: key } = await people().save({ name: 'Ann', cv: content('one') })
      const values = people().create({ id: key, name: 'Ann', cv: content('two') })
      await expect(people().upsert(values, ['id'])).rejects.toMatchObject({ code: 'invalid_argument' })
      await db.transaction(manager => manager.upsert(Person, values, ['id']))
      expect((await people().findOneByOrFail({ id: key })).cv.name).toBe('cvs/two.txt')
      expect(await files()).toEqual(['cvs/one.txt', 'cvs/two.txt'])
    })

    it('fld-14: statements by criteria refuse content, in a transaction too; old files stay', async () => {
      const { id: key } = await people().save({ name: 'Ann', cv: content('one') })
      const values = people().create({ cv: content('two') })
      const refused = { code: 'invalid_argument' }
      await expect(people().update(key, values)).rejects.toMatchObject(refused)
      await expect(db.transaction(manager => manager.update(Person, key, values))).rejects.toMatchObject(refused)
      await expect(people().save({ name: 'Bob', cv: content('x') }, { listeners: false })).rejects.toMatchObject(
        refused,
      )
      await expect(people().save({ name: 'Bob', cv: content('x') }, { transaction: false })).rejects.toMatchObject(
        refused,
      )
      await people().update(key, people().create({ cv: 'cvs/one.txt' as never }))
      await people().delete(key)
      expect(await files()).toEqual(['cvs/one.txt'])
    })

    it('fld-14: without typeormFiles the column refuses content by itself', async () => {
      detach()
      await expect(people().save({ name: 'Ann', cv: content('one') })).rejects.toMatchObject({
        code: 'invalid_argument',
      })
      await people().save({ name: 'Ann', cv: 'cvs/one.txt' })
      expect((await people().findOneByOrFail({ name: 'Ann' })).cv).toBeInstanceOf(FieldFile)
    })

    it('a write that fails in a transaction that goes on leaves no file, and the entity can be saved again', async () => {
      await people().save({ name: 'Ann' })
      const bob = people().create({ name: 'Ann', cv: content('one') })
      const { cv } = bob
      await db.transaction(async manager => {
        await expect(manager.save(bob)).rejects.toThrow(/UNIQUE/)
        await manager.save(people().create({ name: 'Cem', cv: content('two') }))
      })
      expect([bob.cv === cv, ...(await files())]).toEqual([true, 'cvs/two.txt'])
      await db.transaction(async manager => {
        await expect(manager.save(bob)).rejects.toThrow(/UNIQUE/)
        bob.name = 'Bob'
        await manager.save(bob)
      })
      expect(`${await (await people().findOneByOrFail({ name: 'Bob' })).cv.read()}`).toBe('one')
      expect((await files()).length).toBe(2)
    })

    it('after a rollback the entity has its content again, and saving it again stores it', async () => {
      const ann = people().create({ name: 'Ann', cv: content('one') })
      const stopped = db.transaction(async manager => {
        await manager.transaction(inner => inner.save(ann))
        throw new Error('stop')
      })
      await expect(stopped).rejects.toThrow('stop')
      expect(await files()).toEqual([])
      await people().save(people().create({ name: 'Ann', cv: ann.cv }))
      expect(await files()).toEqual(['cvs/one.txt'])
    })

    it('one row of many that fails takes all with it', async () => {
      const wrong = Promise.resolve() as never
      const rows = [
        { name: 'Ann', cv: content('x') },
        { name: 'Bob', cv: wrong },
        { name: 'Cem', cv: content('y') },
      ]
      await expect(people().save(rows)).rejects.toMatchObject({ code: 'invalid_argument' })
      expect([await people().count(), await files()]).toEqual([0, []])
    })

    it('no file is deleted while the transaction of another runs on the one connection of SQLite', async () => {
      const name = await storage.save('cvs/unused.txt', Buffer.from('x'))
      const unused = await storedFile(storage, name)
      await db.transaction(() => registry.removeUnused([unused]))
      expect(await files()).toEqual([name])
      await registry.removeUnused([unused])
      expect(await files()).toEqual([])
    })

    it('needs an initialized data source', () => {
      expect(() => typeormFiles(new DataSource({ type: 'sqljs' }))).toThrow(/initialize\(\)/)
    })
  })
}

async function files(): Promise<string[]> {
  const found: string[] = []
  for await (const entry of storage.entries('', { recursive: true })) if (!entry.isDirectory) found.push(entry.name)
  return found.sort()
}
