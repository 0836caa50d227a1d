import type { EntityMetadata, EntityProperty } from '@mikro-orm/core'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { FieldFile, type FileField, FileModel, type FileRegistry, type Owner } from '../../fields/index.ts'
import { FileType } from './file-type.ts'

/** An entity with its properties by name. */
export type Entity = Record<string, unknown>

/** The file properties of one entity class. */
export class EntityFiles {
  readonly meta: EntityMetadata<object>
  readonly model: FileModel
  /** Those that are an empty file where the column holds nothing. */
  readonly #canBeEmpty: ReadonlySet<string>

  constructor(meta: EntityMetadata<object>, properties: readonly EntityProperty[], registry: FileRegistry) {
    this.meta = meta
    const fields = properties.map(({ name, customType }) => [name, (customType as FileType).field] as const)
    this.model = new FileModel(meta.className, Object.fromEntries(fields), registry)
    const empty = properties.filter(({ nullable }, at) => nullable === true || fields[at]![1].options.emptyValue === '')
    this.#canBeEmpty = new Set(empty.map(({ name }) => name))
    for (const [name, field] of fields) this.#checkColumns(name, field)
    for (const { customType } of properties) (customType as FileType).isAttached = true
  }

  /** The file properties that have a value. */
  present(values: object): string[] {
    return this.model.attributes.filter(attribute => (values as Entity)[attribute] !== undefined)
  }

  /** Sets what an entity that is made of values has as its files: each is a `FieldFile` of this entity. */
  own(entity: Entity, data: Entity, owner: Owner, isNew: boolean): void {
    for (const attribute of this.model.attributes) {
      const field = this.model.fields[attribute]!
      const value = entity[attribute]
      if (data[attribute] === undefined) {
        if (isNew && value === undefined) this.fill(entity, attribute, owner)
      } else if (value instanceof FieldFile) {
        const isOther = value.committed && value.field === field && value.row !== entity
        if (isOther) entity[attribute] = field.attach(value.name, owner)
      } else if (value === null) this.fill(entity, attribute, owner)
      else if (typeof value === 'string' || field.isContent(value)) {
        entity[attribute] = this.model.attach(attribute, value, owner)
      }
    }
  }

  /** Sets an empty file where the column that was loaded holds nothing. */
  fillLoaded(entity: Entity, data: Entity, owner: Owner): void {
    for (const attribute of this.model.attributes) if (data[attribute] === null) this.fill(entity, attribute, owner)
  }

  /** Sets an empty file where there may be none. */
  fill(entity: Entity, attribute: string, owner: Owner): void {
    if (this.#canBeEmpty.has(attribute)) entity[attribute] = this.model.fields[attribute]!.attach(null, owner)
  }

  #checkColumns(name: string, field: FileField): void {
    for (const column of Object.keys(field.columnsOf(undefined))) {
      if (this.meta.properties[column as never] !== undefined) continue
      throw new ImproperlyConfigured(`'${this.meta.className}.${name}' fills '${column}', which is no property.`)
    }
  }
}

/** The entity classes that have file properties. */
export function entityFiles(all: Iterable<EntityMetadata<object>>, registry: FileRegistry): Map<unknown, EntityFiles> {
  const found = new Map<unknown, EntityFiles>()
  for (const meta of all) {
    const properties = meta.props.filter(
      ({ customType, persist }) => customType instanceof FileType && persist !== false,
    )
    if (properties.length === 0) continue
    for (const property of properties) checkProperty(meta, property)
    if (!meta.virtual) found.set(meta.class, new EntityFiles(meta, properties, registry))
  }
  return found
}

function checkProperty({ className, embeddable }: EntityMetadata<object>, property: EntityProperty): void {
  const refuse = (what: string): never => {
    throw new ImproperlyConfigured(`'${className}.${property.name}': ${what}`)
  }
  if (embeddable === true || property.embedded !== undefined) refuse('a file property cannot be in an embeddable.')
  if (property.primary === true) refuse('a file property cannot be the primary key.')
  if (property.ref === true) refuse('a file property cannot be a reference; use `lazy: true` alone.')
}
