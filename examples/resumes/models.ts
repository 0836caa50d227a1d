/**
 * Registers the columns that name files, for the command line: `npx holdall orphans ./models.ts` in this folder lists files that no row names, which
 * a process that was killed, or SQL by hand, can leave.
 */
import { openDatabase } from './database.ts'
import { Resumes } from './resumes.ts'

const resumes = new Resumes(openDatabase(process.env['RESUMES_DATA'] ?? 'data'))

/** Ends what was opened. */
export function close(): void {
  resumes.close()
}
