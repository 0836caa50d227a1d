/** What the official client's errors say. */
import type { DropboxResponseError } from 'dropbox'
import { nested } from './errors.ts'

/** Status and error of a call that fails; throws where it succeeds. */
export async function failure(work: Promise<unknown>): Promise<{ status: number; error: unknown }> {
  try {
    await work
  } catch (error) {
    const { status, error: body } = error as DropboxResponseError<{ error?: unknown }>
    if (status === undefined) throw error
    return { status, error: body?.error ?? body }
  }
  throw new Error('it succeeded')
}

/** The error of a function by its tags from the outermost to the innermost, with fields of the innermost. */
export function tagged(tags: string, leaf: Readonly<Record<string, unknown>> = {}): { status: 409; error: object } {
  return { status: 409, error: nested(tags, leaf) }
}
