import type { EntityManager, MikroORM } from '@mikro-orm/core'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { FieldFile, type FileRegistry, fileRegistry } from '../../fields/index.ts'
import { OrmFiles } from './context.ts'
import type { Entity } from './entity-files.ts'
import { withFiles } from './entity-manager.ts'
import { loading } from './file-type.ts'
import { Flushes } from './flushes.ts'
import { Statements } from './statements.ts'
import { registerUsers, type Schemas } from './users.ts'

/** How files are tied to an ORM. */
export interface MikroFilesOptions {
  /** The columns that are asked whether a file is still used; default: those of the whole program. */
  readonly registry?: FileRegistry | undefined
  /** All schemas of the database in which entities without a schema of their own, or with `*`, have tables; default: that of the connection. */
  readonly schemas?: Schemas | undefined
}

const attached = new WeakSet<MikroORM>()

/** The files of one ORM; see `mikroFiles`. */
export class MikroFiles {
  readonly #orm: MikroORM
  readonly #context: OrmFiles
  readonly #detach: (() => void)[]

  constructor(orm: MikroORM, { registry = fileRegistry, schemas }: MikroFilesOptions = {}) {
    if (attached.has(orm)) throw new ImproperlyConfigured('mikroFiles was called for this ORM before.')
    this.#orm = orm
    this.#context = new OrmFiles(orm, registry)
    const entities = [...this.#context.entities.values()]
    this.#detach = entities.flatMap(found => registerUsers(orm, found, registry, schemas))
    this.#detach.push(this.#replaceEntityManager(), this.#replaceHydrate())
    attached.add(orm)
  }

  /**
   * The file of an entity, for `save` and `delete`, also where the entity was made by its constructor and has none yet. A property that is no
   * file is `improperly_configured`.
   * @example
   * await files.of(resume, 'pdf').save('cv.pdf', bytes)
   */
  of<T extends object>(entity: T, attribute: keyof T & string): FieldFile {
    const model = this.#context.filesOf(entity.constructor)?.model
    if (model?.fields[attribute] === undefined) {
      throw new ImproperlyConfigured(`'${entity.constructor.name}.${attribute}' is no file property.`)
    }
    const value = (entity as Entity)[attribute]
    if (value instanceof FieldFile && value.row === entity) return value
    const file = model.attach(attribute, value instanceof FieldFile ? value.name : value, this.#context.ownerOf(entity))
    ;(entity as Entity)[attribute] = file
    return file
  }

  /** Takes the columns out of the registry, and leaves the ORM as it was. */
  detach(): void {
    this.#context.isAttached = false
    attached.delete(this.#orm)
    for (const detach of this.#detach.splice(0)) detach()
  }

  #replaceEntityManager(): () => void {
    const { em, config } = this.#orm
    const flushes = new Flushes(this.#context)
    if (this.#context.entities.size > 0) {
      em.getEventManager().registerSubscriber(flushes)
      // For forks with an event manager of their own.
      config.set('subscribers', [...config.get('subscribers'), flushes])
    }
    const base = Object.getPrototypeOf(em) as EntityManager
    const statements = new Statements(this.#context)
    const withItsFiles = withFiles(base.constructor as never, this.#context, flushes, statements)
    Object.setPrototypeOf(em, withItsFiles.prototype as object)
    return () => void Object.setPrototypeOf(em, base)
  }

  /** The ORM has one hydrator for all its entity managers, and calls it for each entity that it loads or makes. */
  #replaceHydrate(): () => void {
    const hydrator = this.#orm.em.getHydrator() as unknown as Hydrator
    const { hydrate } = hydrator
    const context = this.#context
    hydrator.hydrate = (entity, meta, data, factory, type, isNew, isLoaded, schema, parentSchema, accessors) => {
      const outer = loading.owner
      const found = context.filesOf(meta.class)
      const owner = found === undefined ? undefined : context.ownerOf(entity)
      loading.owner = owner
      try {
        hydrate.call(hydrator, entity, meta, data, factory, type, isNew, isLoaded, schema, parentSchema, accessors)
      } finally {
        loading.owner = outer
      }
      if (owner === undefined) return
      if (isLoaded) found!.fillLoaded(entity, data, owner)
      else found!.own(entity, data, owner, isNew === true)
    }
    return () => void (hydrator.hydrate = hydrate)
  }
}

/** The part of MikroORM's hydrator that sets the properties of an entity. */
interface Hydrator {
  hydrate: (
    entity: Entity,
    meta: { readonly class: unknown },
    data: Entity,
    factory: unknown,
    type: unknown,
    isNew?: boolean,
    isLoaded?: boolean,
    schema?: string,
    parentSchema?: string,
    accessors?: boolean,
  ) => void
}

/**
 * Ties the files of all file properties to the writes of an ORM: content that is assigned is stored before the flush writes, and files that no
 * row names go after the commit. Call it once after `MikroORM.init`, before the first fork.
 * @example
 * const orm = await MikroORM.init({ entities: [ResumeSchema], dbName: 'resumes.db' })
 * mikroFiles(orm)
 * const em = orm.em.fork()
 * em.create(Resume, { title: 'CV', pdf: upload(buffer, 'cv.pdf') })
 * await em.flush()
 */
export function mikroFiles(orm: MikroORM, options: MikroFilesOptions = {}): MikroFiles {
  return new MikroFiles(orm, options)
}
