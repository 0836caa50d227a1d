/** The bucket that a run of the bench writes to. */
export interface Place {
  readonly endpoint: string
  readonly bucket: string
  readonly accessKey: string
  readonly secretKey: string
  /** Folder of the files. */
  readonly source: string
  /** A folder of this run, for configuration files. */
  readonly folder: string
  /** Whether hashed names and a manifest are made. */
  readonly isHashed: boolean
}

/** A program with its arguments, environment and standard input. */
export interface Command {
  readonly program: string
  readonly words: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly cwd?: string
}

/** One way to bring the files to the bucket, as processes in the order in which they run. */
export interface Contender {
  readonly name: string
  /** The process of each run, by its title: `first`, `second` ... */
  readonly runs: ReadonlyArray<readonly [title: string, command: (place: Place) => Command | Promise<Command>]>
  /** Most rounds; default all. */
  readonly rounds?: number
}
