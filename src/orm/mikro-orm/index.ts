import type { MikroORM } from '@mikro-orm/core'
import { type FileRegistry, fileRegistry } from '../../fields/index.ts'
import { MikroFiles } from './mikro-files.ts'

export { type FileProperty, FileType, fileType } from './file-type.ts'

/**
 * Ties files to the writes of an ORM: content that is assigned is stored before a flush writes, and files that no row names go after the commit.
 * Call it once after `MikroORM.init`; the function that is returned undoes it.
 * @example
 * const orm = await MikroORM.init({ entities: [ResumeSchema], dbName: 'resumes.db' })
 * mikroFiles(orm)
 * const em = orm.em.fork()
 * em.create(Resume, { title: 'CV', pdf: upload(buffer, 'cv.pdf') })
 * await em.flush()
 */
export function mikroFiles(orm: MikroORM, { registry = fileRegistry }: { registry?: FileRegistry } = {}): () => void {
  const files = new MikroFiles(registry)
  const detach = [...orm.getMetadata().getAll().values()].map(meta => files.register(orm.driver, meta))
  const hydrator = orm.em.getHydrator() as unknown as { hydrate(...values: readonly unknown[]): void }
  const { hydrate } = hydrator
  hydrator.hydrate = (...values) => {
    const [entity, { class: type }, data] = values as [
      Record<string, unknown>,
      { class: unknown },
      Record<string, unknown>,
    ]
    files.hydrate(() => hydrate.apply(hydrator, values as []), entity, type, data)
  }
  orm.em.getEventManager().registerSubscriber(files)
  return () => {
    hydrator.hydrate = hydrate
    for (const one of detach) one()
  }
}
