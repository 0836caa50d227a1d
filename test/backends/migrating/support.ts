/** Storages over two others, for tests. */
import type { MigratingOptions } from '../../../src/backends/migrating/index.ts'

export const NOWHERE = { settings: {}, env: {} }

export type Mode = Partial<Pick<MigratingOptions, 'read' | 'write' | 'copyOnRead'>>

/** Every combination of options that is allowed. */
export const MODES: readonly Mode[] = [
  {},
  { copyOnRead: true },
  { write: 'both' },
  { write: 'both', copyOnRead: true },
  { read: 'from', write: 'both' },
  { read: 'to', write: 'both' },
]
