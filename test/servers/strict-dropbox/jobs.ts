/** Asynchronous jobs: what a batch came to, told only after it was asked for often enough. */
import { randomBytes } from 'node:crypto'
import { jsonAnswer } from '../strict/answer.ts'
import type { DropboxAnswer, OperationContext } from './context.ts'
import { endpointError, nested, type Tagged } from './errors.ts'
import type { pollArg } from './fields.ts'
import type { Read } from './schema.ts'

/** What a job is of; a job can be asked for only where it belongs. */
export type JobKind = 'delete_batch' | 'copy_batch' | 'move_batch'

interface Job {
  readonly kind: JobKind
  readonly entries: readonly Tagged[]
  /** How often it is still in progress. */
  left: number
}

/** All jobs. */
export class JobList {
  readonly #jobs = new Map<string, Job>()

  add(job: Job): string {
    const id = `dbjid:${randomBytes(40).toString('base64url')}`
    this.#jobs.set(id, job)
    return id
  }

  find(id: string): Job | undefined {
    return this.#jobs.get(id)
  }

  /** Forgets all jobs, so that nobody learns what came of them. */
  forgetAll(): void {
    this.#jobs.clear()
  }
}

/** Answers with a job, or at once where that is allowed. */
export function launch({ state }: OperationContext, kind: JobKind, entries: readonly Tagged[]): DropboxAnswer {
  if (kind !== 'delete_batch' && state.options.batches === 'at once') {
    return jsonAnswer({ '.tag': 'complete', entries })
  }
  const id = state.jobs.add({ kind, entries, left: state.options.jobPolls ?? 1 })
  return jsonAnswer({ '.tag': 'async_job_id', async_job_id: id })
}

/** The status of a job of this kind. */
export function checkJob(kind: JobKind): (context: OperationContext, arg: Read<typeof pollArg>) => DropboxAnswer {
  return ({ state }, { async_job_id: id }) => {
    const job = state.jobs.find(id)
    if (job?.kind !== kind) throw endpointError(nested('invalid_async_job_id'))
    if (job.left-- > 0) return jsonAnswer({ '.tag': 'in_progress' })
    return jsonAnswer({ '.tag': 'complete', entries: job.entries })
  }
}
