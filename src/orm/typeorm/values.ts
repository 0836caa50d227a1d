import type { ObjectLiteral, SaveOptions } from 'typeorm'
import type { FieldFile } from '../../fields/field-file.ts'
import type { FileValue } from '../../fields/file-field.ts'

/** The values of an entity for creating and saving: a file column accepts content, the name of a stored file, a file, or null. */
export type WithFiles<E> = E extends FieldFile
  ? FileValue
  : E extends Date | Uint8Array | ((...args: never[]) => unknown)
    ? E
    : { [K in keyof E]?: WithFiles<E[K]> | undefined }

declare module 'typeorm/repository/Repository.js' {
  interface Repository<Entity extends ObjectLiteral> {
    create(entityLike: WithFiles<Entity>): Entity
    merge(mergeIntoEntity: Entity, ...entityLikes: WithFiles<Entity>[]): Entity
    save(entity: WithFiles<Entity>, options?: SaveOptions): Promise<Entity>
    save(entities: WithFiles<Entity>[], options?: SaveOptions): Promise<Entity[]>
  }
}
