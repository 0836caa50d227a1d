import { type FleetStatus, fleetFailures, fleetStatus } from '../fleet/index.ts'
import { shownFleet } from './fleet-url.ts'
import type { FailedName, MigrationBook, MigrationChoice } from './migration-book.ts'

/** The migrations in the database of a fleet. */
export class FleetBook implements MigrationBook {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  get title(): string {
    return shownFleet(this.#url)
  }

  async find(choice: MigrationChoice): Promise<readonly FleetStatus[]> {
    const all = await fleetStatus(this.#url)
    if (choice === undefined) return all
    if ('id' in choice) return all.filter(({ id }) => id === choice.id)
    const [from, to] = [choice.source.title, choice.target.title]
    return all.filter(({ source, target }) => source === from && target === to)
  }

  failures(id: string): AsyncIterable<FailedName> {
    return fleetFailures(this.#url, id)
  }
}
