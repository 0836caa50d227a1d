/** The job is no longer this worker's: another attempt has begun, or the database did not answer. */
export class LostLease extends Error {
  static {
    LostLease.prototype.name = 'LostLease'
  }

  constructor() {
    super('The job is no longer that of this worker.')
  }
}
