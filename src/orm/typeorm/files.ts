import type { DataSource, EntityManager } from 'typeorm'
import { type FileRegistry, fileRegistry } from '../../fields/registry.ts'
import type { FileTransaction } from '../../fields/transaction.ts'
import { SourceFiles } from './source-files.ts'

/** How `typeormFiles` attaches. */
export interface TypeormFilesOptions {
  /** The registry that knows who uses which file; default: the one of the process. */
  readonly registry?: FileRegistry | undefined
}

/** The files of a data source. */
export interface TypeormFiles {
  /** Takes everything back: files are neither stored nor deleted from now on, and the columns are no users of files. */
  detach(): void
  /** The files of the transaction or savepoint that runs on a manager: for raw SQL that writes names, by `stored`, `needed` and `released`. */
  transaction(manager: EntityManager): FileTransaction | undefined
}

/**
 * Attaches the files of all entities that have columns by `fileColumn` to a data source: content in them is stored before a row is written,
 * and files are deleted after the commit of the change that leaves them without a row. Call it once, after `initialize()`. A data source that
 * is not initialized, or attached already, is `improperly_configured`, as is an image field whose columns are not there.
 * @example
 * await dataSource.initialize()
 * typeormFiles(dataSource)
 * await dataSource.getRepository(Resume).save({ title: 'CV', pdf: upload(buffer, 'cv.pdf') })
 */
export function typeormFiles(
  dataSource: DataSource,
  { registry = fileRegistry }: TypeormFilesOptions = {},
): TypeormFiles {
  return new SourceFiles(dataSource, registry)
}
