/** What a statement does to the transaction of its connection. */
export type Command =
  | { readonly does: 'begin' | 'commit' | 'rollback' }
  | { readonly does: 'savepoint' | 'release' | 'rollback to'; readonly name: string }

const PATTERNS: readonly (readonly [Command['does'], RegExp])[] = [
  ['begin', /^\s*(?:begin|start\s+transaction)\b/i],
  ['commit', /^\s*(?:commit|end)\b/i],
  ['rollback to', /^\s*rollback(?:\s+(?:work|transaction))?\s+to\s+(?:savepoint\s+)?(\S+)/i],
  ['rollback', /^\s*(?:rollback|abort)\b/i],
  ['savepoint', /^\s*savepoint\s+(\S+)/i],
  ['release', /^\s*release\s+(?:savepoint\s+)?(\S+)/i],
]

/** Whether a statement begins or ends a transaction or a savepoint. */
export function commandOf(sql: string): Command | undefined {
  for (const [does, pattern] of PATTERNS) {
    const found = pattern.exec(sql)
    if (found !== null) return { does, name: (found[1] ?? '').replace(/;$/, '').toLowerCase() } as Command
  }
  return undefined
}
