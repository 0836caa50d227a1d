/** What the programs of `docs/recipes` need and do not show. */
import type { Setup } from './setups.ts'

export const RECIPE_SETUPS: Readonly<Record<string, Setup>> = {}
