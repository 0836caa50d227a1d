import { isHidden } from './hidden-names.ts'
import { firstStep } from './key-order.ts'

/** A folder on the way to a position, and the step in it after which entries are wanted. */
export interface FolderStep {
  readonly prefix: string
  readonly after: string
}

/** Returns the folders on the way to a position below `prefix`, where only the entries after that position are wanted. */
export function stepsTo(prefix: string, after: string, recursive: boolean): FolderStep[] {
  const steps: FolderStep[] = []
  let below = prefix
  for (let path: string | undefined = after; path !== undefined; ) {
    const { step, rest } = firstStep(path)
    steps.push({ prefix: below, after: step })
    if (!recursive || !isFolderName(step)) break
    below += step
    path = rest
  }
  return steps
}

/** Whether a step of a path can be the name of a folder that the storage lists. */
function isFolderName(step: string): boolean {
  return step.endsWith('/') && !/^\.{0,2}\/$|\0/.test(step) && !isHidden(step.slice(0, -1))
}
