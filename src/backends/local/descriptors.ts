export { opendir } from 'node:fs/promises'
