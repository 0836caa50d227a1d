const shown = new Set<string>()

/** Emits a process warning about a setting (by default: that it has no effect), once for each text. */
export function warnOnce(text: string, code = 'HOLDALL_NO_EFFECT'): void {
  if (shown.has(text)) return
  shown.add(text)
  process.emitWarning(text, { code })
}
