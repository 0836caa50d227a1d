/** The name that the caller gave, and the driver's key of it: checked and made once per call. */
export interface FileRef {
  readonly name: string
  readonly key: string
  /** The backend's own parameters of requests for this file (S3: `objectParameters`). */
  readonly objectParameters?: Readonly<Record<string, unknown>> | undefined
}

/** What the caller of a public method may say of the call itself. */
export interface CallOptions {
  /** Ends the call with code `aborted`. */
  readonly signal?: AbortSignal | undefined
}

/** Travels with a call: who may end it, and which try this is. */
export interface CallContext {
  readonly signal: AbortSignal
  /** 1 for the first try. */
  readonly attempt: number
  /** To be called whenever bytes move: a time-out counts from here. */
  progress(): void
  /** Runs one request of a longer call (a part of an upload) under its own retries and time-out. It fails with a `StorageError`. */
  step<T>(operation: string, repeat: Repeat, run: (ctx: CallContext) => Promise<T>): Promise<T>
}

/** When a step may be made again: always, never, or only after an error that says that nothing was done. */
export type Repeat = boolean | 'if_not_applied'
