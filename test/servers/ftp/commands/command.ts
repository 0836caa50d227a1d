import { Refusal } from '../refusal.ts'
import type { Session } from '../session.ts'

/** Carries a command out and gives its last reply; throws a `Refusal`. */
export type Command = (session: Session, argument: string) => string | Promise<string>

/** The argument; refused with 501 where there is none. */
export function needed(argument: string): string {
  if (argument === '') throw new Refusal(501, 'An argument is missing.')
  return argument
}

/** A path in a reply: quotes in it are doubled (RFC 959, appendix II). */
export function quoted(path: string): string {
  return `"${path.replaceAll('"', '""')}"`
}
