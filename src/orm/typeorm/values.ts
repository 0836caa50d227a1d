import type {
  EntityTarget,
  FindOptionsWhere,
  InsertResult,
  ObjectLiteral,
  SaveOptions,
  UpdateOptions,
  UpdateResult,
  UpsertOptions,
} from 'typeorm'
import type { FieldFile } from '../../fields/field-file.ts'
import type { FileValue } from '../../fields/file-field.ts'

/**
 * The values of an entity as they can be written: a file column takes content, the name of a stored file, a file, or null. The methods of
 * repositories, entity managers and query builders that write take these besides their own types.
 */
export type WithFiles<E> = E extends FieldFile
  ? FileValue
  : E extends readonly (infer I)[]
    ? WithFiles<I>[]
    : E extends Date | Uint8Array | ((...args: never[]) => unknown)
      ? E
      : E extends object
        ? { [K in keyof E]?: WithFiles<E[K]> | undefined }
        : E

type Criteria<E> = string | number | Date | (string | number | Date)[] | FindOptionsWhere<E> | FindOptionsWhere<E>[]

declare module 'typeorm/repository/Repository.js' {
  interface Repository<Entity extends ObjectLiteral> {
    create(entityLike: WithFiles<Entity>): Entity
    create(entityLikes: WithFiles<Entity>[]): Entity[]
    merge(mergeIntoEntity: Entity, ...entityLikes: WithFiles<Entity>[]): Entity
    save(entity: WithFiles<Entity>, options?: SaveOptions): Promise<Entity>
    save(entities: WithFiles<Entity>[], options?: SaveOptions): Promise<Entity[]>
    insert(entity: WithFiles<Entity> | WithFiles<Entity>[]): Promise<InsertResult>
    update(criteria: Criteria<Entity>, values: WithFiles<Entity>, options?: UpdateOptions): Promise<UpdateResult>
    upsert(
      entities: WithFiles<Entity> | WithFiles<Entity>[],
      conflict: string[] | UpsertOptions<Entity>,
    ): Promise<InsertResult>
  }
}

declare module 'typeorm/entity-manager/EntityManager.js' {
  interface EntityManager {
    create<E extends ObjectLiteral>(target: EntityTarget<E>, entityLike: WithFiles<E>): E
    create<E extends ObjectLiteral>(target: EntityTarget<E>, entityLikes: WithFiles<E>[]): E[]
    merge<E extends ObjectLiteral>(target: EntityTarget<E>, mergeIntoEntity: E, ...entityLikes: WithFiles<E>[]): E
    save<E extends ObjectLiteral>(target: EntityTarget<E>, entity: WithFiles<E>, options?: SaveOptions): Promise<E>
    save<E extends ObjectLiteral>(
      target: EntityTarget<E>,
      entities: WithFiles<E>[],
      options?: SaveOptions,
    ): Promise<E[]>
    insert<E extends ObjectLiteral>(
      target: EntityTarget<E>,
      entity: WithFiles<E> | WithFiles<E>[],
    ): Promise<InsertResult>
    update<E extends ObjectLiteral>(
      target: EntityTarget<E>,
      criteria: Criteria<E>,
      values: WithFiles<E>,
      options?: UpdateOptions,
    ): Promise<UpdateResult>
    upsert<E extends ObjectLiteral>(
      target: EntityTarget<E>,
      entities: WithFiles<E> | WithFiles<E>[],
      conflict: string[] | UpsertOptions<E>,
    ): Promise<InsertResult>
  }
}

declare module 'typeorm/query-builder/InsertQueryBuilder.js' {
  interface InsertQueryBuilder<Entity extends ObjectLiteral> {
    values(values: WithFiles<Entity> | WithFiles<Entity>[]): this
  }
}

declare module 'typeorm/query-builder/UpdateQueryBuilder.js' {
  interface UpdateQueryBuilder<Entity extends ObjectLiteral> {
    set(values: WithFiles<Entity>): this
  }
}
