import {
  type Model,
  type ModelAttributes,
  type ModelOptions,
  type ModelStatic,
  type Options,
  Sequelize,
} from 'sequelize'
import type { FieldFile } from '../../../src/fields/index.ts'
import { fileAttribute, sequelizeFiles } from '../../../src/orm/sequelize/index.ts'
import { OrmPlace } from '../suite/conformance.ts'
import { sqlite3 } from './sqlite.ts'

/** A row of a model without types. */
// biome-ignore lint/suspicious/noExplicitAny: as in `sequelize.define`
type Any = any
export type AnyRow = Model<Any, Any> & { id: number; title: string; pdf: FieldFile; photo: FieldFile } & Record<
    string,
    Any
  >
export type AnyModel = ModelStatic<AnyRow>

/** A database in memory with a storage, for models that a test defines. */
export class World {
  readonly place: OrmPlace = new OrmPlace()
  readonly sequelize: Sequelize
  /** All statements. */
  readonly log: string[] = []
  #ends: (() => unknown)[] = []

  constructor(options: Options = {}) {
    this.sequelize = new Sequelize({
      ...(options.dialect === undefined ? { dialect: 'sqlite', dialectModule: sqlite3 } : options),
      logging: sql => void this.log.push(sql.replace(/^Executing \([^)]*\): /, '')),
    })
  }

  /** A model `resumes` with `title`, `pdf` and what else is given, attached, with its table. */
  async resumes(attributes: ModelAttributes = {}, options: ModelOptions = {}): Promise<AnyModel> {
    const model = this.sequelize.define(
      'Resume',
      {
        title: 'VARCHAR(50)',
        pdf: fileAttribute(this.place.pdf()),
        ...attributes,
      },
      { timestamps: false, tableName: 'resumes', ...options },
    ) as AnyModel
    this.#ends.push(sequelizeFiles(this.sequelize, { registry: this.place.registry }))
    await model.sync({ force: true })
    this.clear()
    return model
  }

  atEnd(end: () => unknown): void {
    this.#ends.push(end)
  }

  clear(): void {
    this.log.length = 0
    this.place.calls.length = 0
  }

  files(): Promise<string[]> {
    return this.place.files()
  }

  async close(): Promise<void> {
    for (const end of this.#ends) await end()
    await this.sequelize.drop()
    await this.sequelize.close()
  }
}
