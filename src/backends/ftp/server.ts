/** What the connections of one storage have learnt about their server. */
export interface ServerMemory {
  /** How the server opens a data port; undefined before the first transfer. (RFC 2428, RFC 959) */
  passive?: 'EPSV' | 'PASV' | undefined
  /** Whether it answers several commands in one packet; undefined before the test. */
  takesPacks?: boolean | undefined
  /** False if it announces REST but refuses it. */
  restarts?: boolean | undefined
  /** Whether it interprets the `-a` of `LIST -a` as a name. */
  listsPlainly?: boolean | undefined
  /** Whether it removes blanks from the end of a command. */
  cutsBlanks?: boolean | undefined
  /** Whether a new file can have a name that ends in a blank. */
  keepsBlanks?: boolean | undefined
  /** Whether LIST of a path lists only that file, and nothing for a missing one. */
  listsOne?: boolean | undefined
  /** Whether it is known to replace a file by renaming. */
  replaces?: boolean | undefined
  /** Whether its refusals contain no reason. */
  isSilent?: boolean | undefined
  /** Temporary files that could not be removed, by path, with the number of attempts. */
  readonly leftovers: Map<string, number>
}
