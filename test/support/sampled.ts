/** Whether tests make all their repetitions; `npm test` makes fewer. */
export const isFull: boolean = process.env['HOLDALL_TESTS'] === 'full'

/** Where storages of the shipped conformance suite are: below a folder, and in full runs at the root as well. */
export const storageLocations: { readonly locations?: readonly string[] } = isFull
  ? {}
  : { locations: ['some location/below'] }
