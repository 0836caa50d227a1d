const told = new Set<string>()

/** A warning of the process about a setting, by default one that has no effect, once for each text. */
export function warnOnce(text: string, code = 'HOLDALL_NO_EFFECT'): void {
  if (told.has(text)) return
  told.add(text)
  process.emitWarning(text, { code })
}
