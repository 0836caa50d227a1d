import type { MikroORM } from '@mikro-orm/core'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { FileRegistry } from '../../fields/index.ts'
import type { EntityFiles } from './entity-files.ts'

/** Names of schemas, or a function that returns them. */
export type Schemas = readonly string[] | (() => readonly string[] | Promise<readonly string[]>)

/** Registers the columns of an entity class as users of their files, each in the class whose table has it; the functions take them out again. */
export function registerUsers(
  orm: MikroORM,
  { meta, model }: EntityFiles,
  registry: FileRegistry,
  schemas: Schemas | undefined,
): (() => void)[] {
  if (meta.abstract === true && meta.root.inheritanceType !== 'sti') return []
  const isAnywhere = meta.schema === undefined || meta.schema === '*'
  if (meta.schema === '*' && schemas === undefined) {
    throw new ImproperlyConfigured(
      `${meta.className} has the schema '*': give mikroFiles the schemas, or it cannot see all rows.`,
    )
  }
  const schemasOf = async (): Promise<readonly (string | undefined)[]> => {
    if (!isAnywhere || schemas === undefined) return [undefined]
    return typeof schemas === 'function' ? schemas() : schemas
  }
  return model.attributes
    .filter(attribute => isOwn(meta, attribute))
    .map(attribute =>
      registry.add({
        label: `${meta.className}.${attribute}`,
        field: model.fields[attribute]!,
        // By the driver: filters, identity maps and transactions are not its affair.
        async used(names, { signal }) {
          const found: unknown[] = []
          for (const schema of await schemasOf()) {
            const rows = await orm.driver.find(meta.class, { [attribute]: { $in: names } } as never, {
              fields: [attribute] as never,
              connectionType: 'write',
              ...(schema === undefined ? {} : { schema }),
              ...(signal === undefined ? {} : { signal }),
            })
            for (const row of rows) found.push((row as Record<string, unknown>)[attribute])
          }
          return found
        },
      }),
    )
}

/** Whether the table of the class itself has the column, and not that of an entity it inherits from. */
function isOwn(meta: EntityFiles['meta'], attribute: string): boolean {
  if (meta.inheritanceType === 'tpt') return meta.ownProps?.some(({ name }) => name === attribute) ?? true
  return meta.root === meta || meta.root.properties[attribute as never] === undefined
}
