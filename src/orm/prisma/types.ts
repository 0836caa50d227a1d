import type { Args, Exact, Operation, PrismaPromise, Result } from '@prisma/client/runtime/client'
import type { FileField, FileValue } from '../../fields/index.ts'

/** File fields by model and attribute, both with their names in the schema: `{ Resume: { pdf: fileField() } }`. */
export type PrismaFields = Readonly<Record<string, Readonly<Record<string, FileField>>>>

// biome-ignore lint/suspicious/noExplicitAny: its types are generated
export type Client = Record<string, any>

type Scalar = string | number | bigint | boolean | symbol | null | undefined | Date | Uint8Array | { toFixed(): string }

/** The arguments of a write in which fields of these names accept files, in any model: nested writes reach all models. */
type FileArgs<T, K> = T extends Scalar | ((...args: never) => unknown)
  ? T
  : T extends readonly (infer I)[]
    ? FileArgs<I, K>[]
    : { [P in keyof T]: P extends 'where' ? T[P] : P extends K ? T[P] | FileValue | undefined : FileArgs<T[P], K> }

type Write<O extends Operation, K> = <T, A extends FileArgs<Args<T, O>, K>>(
  this: T,
  args: Exact<A, FileArgs<Args<T, O>, K>>,
) => PrismaPromise<Result<T, A, O>>

type ResultOf<F extends PrismaFields[string]> = { [P in keyof F]: () => { compute: () => ReturnType<F[P]['attach']> } }
type Writes = 'upsert' | `${'create' | 'update'}${'' | 'Many' | 'ManyAndReturn'}`

/** The argument of `$extends`: with it rows have files, writes accept them, and `db.$files.detach()` ends the registration. */
export type FilesExtension<F extends PrismaFields> = (client: unknown) => {
  $extends: {
    extArgs: {
      result: { [M in keyof F & string as Uncapitalize<M>]: ResultOf<F[M]> }
      model: { $allModels: { [O in Writes]: () => Write<O, { [M in keyof F]: keyof F[M] }[keyof F]> } }
      query: Record<never, never>
      client: { $files: () => { detach(): void } }
    }
  }
}
