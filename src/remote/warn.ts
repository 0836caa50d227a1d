const told = new Set<string>()

/** A warning of the process about a setting that has no effect, once for each text. */
export function warnOnce(text: string): void {
  if (told.has(text)) return
  told.add(text)
  process.emitWarning(text, { code: 'HOLDALL_NO_EFFECT' })
}
