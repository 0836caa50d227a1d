import type { Schema, SchemaType } from 'mongoose'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { FileField } from '../../fields/index.ts'
import { FilePath } from './file-path.ts'

/** Where documents of a collection have a file. */
export interface FilePlace {
  /** The whole path: `photos.file`. */
  readonly path: string
  /** The path in the schema that declares it: `file`. The columns of a picture are beside it. */
  readonly own: string
  readonly field: FileField
  /** Whether documents can have more than one, in an array. */
  readonly isMany: boolean
}

/** A part of a Mongoose schema that has paths of its own. */
type PartType = SchemaType & {
  readonly schema?: Schema
  readonly $isMongooseArray?: boolean
  readonly $isSchemaMap?: boolean
}

/** The files of a schema and of those in it. Files as items of an array, and in maps, are `improperly_configured`. */
export function placesOf(schema: Schema, prefix = '', isMany = false, seen: readonly Schema[] = []): FilePlace[] {
  const places: FilePlace[] = []
  schema.eachPath((own, type: PartType) => {
    const path = prefix + own
    if (type instanceof FilePath) places.push({ path, own, field: type.field, isMany })
    const item = type.getEmbeddedSchemaType() as PartType | undefined
    if (own.includes('.$*') || type.$isSchemaMap) {
      if (type instanceof FilePath || hasFiles(item)) throw refused(path, 'a map')
    } else if (item instanceof FilePath) throw refused(path, 'an array of files')
    else if (type.schema !== undefined && !seen.includes(type.schema)) {
      places.push(
        ...placesOf(type.schema, `${path}.`, isMany || type.$isMongooseArray === true, [...seen, type.schema]),
      )
    }
  })
  return places
}

function hasFiles(type: PartType | undefined): boolean {
  return type instanceof FilePath || (type?.schema !== undefined && placesOf(type.schema).length > 0)
}

function refused(path: string, what: string): ImproperlyConfigured {
  return new ImproperlyConfigured(
    `'${path}' is ${what}, where no file field can be: use an array of subdocuments, [{ file: fileType(field) }].`,
  )
}
