import { readFileSync } from 'node:fs'

/** The files of the page, each with its media type. */
const TYPES = {
  'index.html': 'text/html',
  'migrations.html': 'text/html',
  'style.css': 'text/css',
  'migrations.css': 'text/css',
  'app.js': 'text/javascript',
  'server.js': 'text/javascript',
  'list.js': 'text/javascript',
  'preview.js': 'text/javascript',
  'uploads.js': 'text/javascript',
  'elements.js': 'text/javascript',
  'migrations.js': 'text/javascript',
  'migration-card.js': 'text/javascript',
  'figures.js': 'text/javascript',
  'repeat.js': 'text/javascript',
  'icon.svg': 'image/svg+xml',
} as const

/** The media types of the page's files by their names. */
export const pageTypes: ReadonlyMap<string, string> = new Map(Object.entries(TYPES))

/** Returns the text of one file of the page. The build puts the texts into the code, so that a bundled program contains them. */
export function pageText(name: string): string {
  return readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8')
}
