import type { Attributes, Model, ModelStatic, WhereOptions } from 'sequelize'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { type FileField, type FileModel, type FileRegistry, fileModel } from '../../fields/index.ts'
import { isSql } from './attribute.ts'
import { FileType } from './column.ts'

/** Values by column, or by attribute. */
export type Values = Record<string, unknown>

/** What of a model Sequelize's types leave out. */
interface Keys {
  readonly primaryKeys: Readonly<Record<string, { readonly field: string }>>
  readonly uniqueKeys: Readonly<Record<string, { readonly fields: readonly string[] }>>
  readonly _indexes: readonly { readonly unique?: boolean; readonly fields: readonly (string | { name: string })[] }[]
}

/** The file columns of a model of Sequelize, by attribute and by their names in the table. */
export class FileColumns {
  readonly model: ModelStatic<Model>
  readonly files: FileModel
  readonly #columns = new Map<string, string>()

  constructor(model: ModelStatic<Model>, registry?: FileRegistry) {
    const fields: Record<string, FileField> = {}
    for (const [attribute, { type, field: column }] of Object.entries(model.getAttributes())) {
      this.#columns.set(attribute, column ?? attribute)
      if (type instanceof FileType) fields[attribute] = type.field
    }
    this.model = model
    this.files = fileModel(model.name, fields, registry)
    for (const attribute of this.files.attributes) {
      for (const further of Object.keys(fields[attribute]!.columnsOf(undefined))) {
        if (this.#columns.has(further)) continue
        throw new ImproperlyConfigured(`'${model.name}.${attribute}' needs the attribute '${further}'.`)
      }
    }
  }

  column(attribute: string): string {
    return this.#columns.get(attribute) ?? attribute
  }

  /** The file columns as a SELECT takes them: the names by attribute. */
  get selected(): [string, string][] {
    return this.files.attributes.map(attribute => [this.column(attribute), attribute])
  }

  /** Those of the file attributes that the values of columns set, without those that are set by SQL. */
  given(values: Values): Values {
    const given: Values = {}
    for (const [column, attribute] of this.selected) {
      const value = values[column]
      if (value !== undefined && !isSql(this.model, value)) given[attribute] = value
    }
    return given
  }

  /** Whether the values of columns set a file column. */
  concerns(values: Values): boolean {
    return this.selected.some(([column]) => values[column] !== undefined)
  }

  /** Values by column, as values by attribute. */
  byAttribute(values: Values): Values {
    return Object.fromEntries([...this.#columns].map(([attribute, column]) => [attribute, values[column]]))
  }

  /** Which rows an INSERT of these can meet, by all unique keys of the table; undefined for none. */
  conflicts(rows: readonly Values[], keys: readonly string[] = []): WhereOptions<Attributes<Model>> | undefined {
    const { primaryKeys, uniqueKeys, _indexes } = this.model as unknown as Keys
    const sets = [
      Object.values(primaryKeys).map(({ field }) => field),
      ...Object.values(uniqueKeys).map(({ fields }) => fields),
      ..._indexes
        .filter(({ unique }) => unique)
        .map(({ fields }) => fields.map(f => (typeof f === 'string' ? f : f.name))),
      keys,
    ]
    const met: Values[] = []
    for (const set of new Map(sets.map(set => [JSON.stringify(set), set])).values()) {
      const complete = rows.filter(row => set.every(column => isKey(this.model, row[column])))
      if (set.length === 0 || complete.length === 0) continue
      if (set.length === 1) met.push({ [set[0]!]: complete.map(row => row[set[0]!]) })
      else for (const row of complete) met.push(Object.fromEntries(set.map(column => [column, row[column]])))
    }
    return met.length === 0 ? undefined : { [Symbol.for('or')]: met }
  }
}

function isKey(model: ModelStatic<Model>, value: unknown): boolean {
  return value !== undefined && value !== null && !isSql(model, value)
}
