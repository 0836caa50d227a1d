/** Called when a listing left out entries. */
type Watcher = () => void

const watchers = new Set<Watcher>()

function seen(warning: Error): void {
  if ((warning as { readonly code?: unknown }).code !== 'HOLDALL_LEFT_OUT') return
  for (const watcher of watchers) watcher()
}

/**
 * Calls a function when a listing of this process leaves out entries that could not be read; returns what ends this. The process has one
 * listener for all of them, since Node.js warns of more than ten.
 */
export function watchLeftOut(onLeftOut: () => void): () => void {
  const watcher: Watcher = () => onLeftOut()
  if (watchers.size === 0) process.on('warning', seen)
  watchers.add(watcher)
  return () => {
    if (watchers.delete(watcher) && watchers.size === 0) process.off('warning', seen)
  }
}
