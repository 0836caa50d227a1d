/** A name in progress in `dependencyGroups`. */
interface Visit {
  readonly name: string
  readonly targets: readonly string[]
  /** Number of the first visit, and the lowest number that is reachable from it. */
  readonly index: number
  low: number
  next: number
}

/**
 * Groups names so that each comes after those that it refers to; names that refer to each other, directly or indirectly, are one group.
 * Targets that are not keys are left out. The time is proportional to the number of names and references. (R. Tarjan, Depth-first search
 * and linear graph algorithms, 1972)
 */
export function dependencyGroups(references: ReadonlyMap<string, readonly string[]>): string[][] {
  const groups: string[][] = []
  const visits = new Map<string, Visit>()
  const waiting: string[] = []
  const isWaiting = new Set<string>()
  const begin = (name: string, targets: readonly string[]): Visit => {
    const visit = { name, targets, index: visits.size, low: visits.size, next: 0 }
    visits.set(name, visit)
    waiting.push(name)
    isWaiting.add(name)
    return visit
  }
  for (const [root, targets] of references) {
    if (visits.has(root)) continue
    const path = [begin(root, targets)]
    for (let visit = path[0]; visit !== undefined; visit = path[path.length - 1]) {
      if (visit.next < visit.targets.length) {
        const target = visit.targets[visit.next++]!
        const known = visits.get(target)
        const further = references.get(target)
        if (known === undefined) {
          if (further !== undefined) path.push(begin(target, further))
        } else if (isWaiting.has(target)) visit.low = Math.min(visit.low, known.index)
        continue
      }
      path.pop()
      const above = path[path.length - 1]
      if (above !== undefined) above.low = Math.min(above.low, visit.low)
      if (visit.low === visit.index) groups.push(taken(visit.name, waiting, isWaiting))
    }
  }
  return groups
}

/** Removes a whole group, down to its first name, from the waiting names. */
function taken(first: string, waiting: string[], isWaiting: Set<string>): string[] {
  const group: string[] = []
  for (;;) {
    const name = waiting.pop()!
    isWaiting.delete(name)
    group.push(name)
    if (name === first) return group
  }
}
