/** What the commands need of fleets; imported when a command has a fleet. */
export { FleetBook } from './fleet-book.ts'
export { retryInFleet } from './fleet-retry.ts'
export { workInFleet } from './fleet-work.ts'
export { migrateByFleet } from './migrate-by-fleet.ts'
