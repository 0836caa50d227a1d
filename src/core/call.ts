/** A name as the caller passed it, and the driver's key of it: checked and made once per call. */
export interface FileRef {
  readonly name: string
  readonly key: string
  /** The backend's own parameters of requests for this file (S3: `objectParameters`). */
  readonly objectParameters?: Readonly<Record<string, unknown>> | undefined
}

/** Options of the call itself, for every public method. */
export interface CallOptions {
  /** Ends the call with code `aborted`. */
  readonly signal?: AbortSignal | undefined
}

/** The context that is passed on with a call: its signal and its attempt. */
export interface CallContext {
  readonly signal: AbortSignal
  /** Number of the attempt; 1 for the first one. */
  readonly attempt: number
  /** Call it whenever bytes move: it restarts the timeout. */
  progress(): void
  /** Runs one request of a longer call (a part of an upload) under its own retries and time-out. It fails with a `StorageError`. */
  step<T>(operation: string, repeat: Repeat, run: (ctx: CallContext) => Promise<T>): Promise<T>
}

/** When a step may be repeated: always, never, or only after an error that proves that nothing was done. */
export type Repeat = boolean | 'if_not_applied'
