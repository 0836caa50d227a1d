/** What connections of one storage have learnt of their server. */
export interface ServerMemory {
  /** How the server opens a port for bytes; undefined before the first transfer. (RFC 2428, RFC 959) */
  passive?: 'EPSV' | 'PASV' | undefined
  /** False where it announces REST and refuses it. */
  restarts?: boolean | undefined
  /** Whether it takes the `-a` of `LIST -a` for a name. */
  listsPlainly?: boolean | undefined
  /** Whether it cuts blanks off the end of a command. */
  cutsBlanks?: boolean | undefined
  /** Whether a file that is made gets a name that ends in a blank. */
  keepsBlanks?: boolean | undefined
  /** Whether LIST of a path lists that file alone, and nothing where there is none. */
  listsOne?: boolean | undefined
  /** Whether it was seen to rename a file over another one. */
  replaces?: boolean | undefined
  /** Whether its refusals say nothing of why. */
  isSilent?: boolean | undefined
  /** Temporary files that could not be removed, by their paths, and how often that was tried. */
  readonly leftovers: Map<string, number>
}
