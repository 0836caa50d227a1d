import { trimTrailingSlashes } from '../core/names.ts'

// One letter before a slash is a Windows drive, so it is not an alias.
const TARGET = /^(?![A-Za-z]:[\\/])([\w.-]*):(.*)$/s

/** Whether a text names a place in a storage: `alias:path`, or `:path` for the storage `default`. */
export function hasAlias(text: string): boolean {
  return TARGET.test(text)
}

/** Returns alias and path of `alias:path`; without an alias it is `default`. */
export function splitTarget(text: string): { readonly alias: string; readonly path: string } {
  const [, alias = '', path = text] = TARGET.exec(text) ?? []
  return { alias: alias === '' ? 'default' : alias, path: path.replace(/^\/+/, '') }
}

/** Joins a folder (with or without its slash, '' for the root) and a name below it. */
export function below(folder: string, name: string): string {
  return folder === '' || folder.endsWith('/') ? folder + name : `${folder}/${name}`
}

/** Returns the last part of a name or path. */
export function lastPart(name: string): string {
  const parts = trimTrailingSlashes(name).split('/')
  return parts[parts.length - 1] ?? ''
}
