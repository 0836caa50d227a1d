import { trimTrailingSlashes } from '../core/names.ts'

// One letter before a slash is a Windows drive, so it is no alias there.
const TARGET = /^(?![A-Za-z]:[\\/])([\w.-]*):(.*)$/s

/** Whether a text names a place in a storage: `alias:path`, or `:path` for the storage `default`. */
export function hasAlias(text: string): boolean {
  return TARGET.test(text)
}

/** Alias and path of `alias:path`; the alias is `default` where it is left out. */
export function splitTarget(text: string): { readonly alias: string; readonly path: string } {
  const [, alias = '', path = text] = TARGET.exec(text) ?? []
  return { alias: alias === '' ? 'default' : alias, path: path.replace(/^\/+/, '') }
}

/** Joins a folder (with or without its slash, '' for the root) and a name below it. */
export function below(folder: string, name: string): string {
  return folder === '' || folder.endsWith('/') ? folder + name : `${folder}/${name}`
}

/** The last part of a name or path. */
export function lastPart(name: string): string {
  const parts = trimTrailingSlashes(name).split('/')
  return parts[parts.length - 1] ?? ''
}
