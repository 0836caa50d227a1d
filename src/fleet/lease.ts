/** The job is no longer this worker's: another attempt has begun, or the database did not answer. */
export class LostLease extends Error {
  static {
    LostLease.prototype.name = 'LostLease'
  }

  constructor() {
    super('The job is no longer that of this worker.')
  }
}

/** This worker cannot open the places of the migration; others may. */
export class Unusable extends Error {
  static {
    Unusable.prototype.name = 'Unusable'
  }
}

/** Throws an error again, unless the job is another worker's. */
export function unlessLost(error: unknown): void {
  if (!(error instanceof LostLease)) throw error
}
