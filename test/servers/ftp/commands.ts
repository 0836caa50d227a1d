/** Every command of the server (RFC 959, 2228, 2389, 2428, 3659, 4217). */
import { accountCommands } from './commands/accounts.ts'
import type { Command } from './commands/command.ts'
import { connectionCommands } from './commands/connections.ts'
import { factCommands } from './commands/facts.ts'
import { folderCommands } from './commands/folders.ts'
import { listingCommands } from './commands/listings.ts'
import { transferCommands } from './commands/transfers.ts'

export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [accountCommands, connectionCommands, factCommands, folderCommands, listingCommands, transferCommands].flatMap(
    commands => Object.entries(commands),
  ),
)

/** Commands that need no login. */
export const OPEN_COMMANDS: readonly string[] = [
  ...['USER', 'PASS', 'ACCT', 'AUTH', 'PBSZ', 'PROT', 'FEAT', 'OPTS', 'SYST', 'NOOP', 'HELP', 'QUIT'],
]
