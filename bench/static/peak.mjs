// Prints the most memory of a process at its end. What the kernel tells a process of itself begins with what its parent had. (proc(5))
import { readFileSync } from 'node:fs'

process.on('exit', () => {
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]
  process.stderr.write(`\npeak ${(kilobytes / 1024).toFixed(0)} MiB\n`)
})
