import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declareTransfer } from './cp.ts'

/** `holdall mv`: moves within or between storages; a source is removed after its copy is complete. */
export function mv(program: Command, context: CliContext): void {
  declareTransfer(program, context, 'move')
}
