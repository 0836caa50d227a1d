/**
 * Returns groups of names that some systems treat as the same name: they differ only in letter case or in how Unicode composes their
 * characters (macOS, Windows). Each group holds the different names in the order in which they came. The time is proportional to the number
 * of names.
 */
export function caseClashes(names: Iterable<string>): ReadonlyArray<readonly string[]> {
  const groups = new Map<string, string | Set<string>>()
  const clashes: Array<Set<string>> = []
  for (const name of names) {
    const folded = foldedName(name)
    const known = groups.get(folded)
    if (known === undefined) groups.set(folded, name)
    else if (typeof known !== 'string') known.add(name)
    else if (known !== name) {
      const clash = new Set([known, name])
      groups.set(folded, clash)
      clashes.push(clash)
    }
  }
  return clashes.map(clash => [...clash])
}

/** Returns a form that is equal for names that differ only in letter case or Unicode form. */
export function foldedName(name: string): string {
  // Converts to both cases, since letters such as the two small sigmas have one capital.
  return name.normalize('NFC').toLowerCase().toUpperCase().normalize('NFC')
}
