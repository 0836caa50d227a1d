import type { ObjectParameters } from '../../core/driver.ts'
import { ParameterTable } from '../../remote/parameters.ts'

/** Attributes have no headers of their own here. */
const ATTRIBUTE = (): void => undefined

/** The parameters of uploads besides the portable attributes. (Atmos Programmer's Guide, "Creating an object") */
const PARAMETERS = new ParameterTable('an Atmos', [
  ['userAcl', 'x-emc-useracl'],
  ['groupAcl', 'x-emc-groupacl'],
  ['listableMeta', 'x-emc-listable-meta'],
  ['cacheControl', '', ATTRIBUTE],
  ['contentDisposition', '', ATTRIBUTE],
  ['contentEncoding', '', ATTRIBUTE],
  ['contentLanguage', '', ATTRIBUTE],
  ['contentType', '', ATTRIBUTE],
])

/** The parameter's own spelling. Code `invalid_argument` for a name that no upload has. */
export function parameterName(name: string): string {
  return PARAMETERS.nameOf(name)
}

/** Refuses parameters that no upload has: `invalid_argument`. */
export function checkParameters(parameters: ObjectParameters): void {
  PARAMETERS.add({}, parameters)
}

/** The headers of an upload with these parameters. */
export function parameterHeaders(...all: ReadonlyArray<ObjectParameters | undefined>): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const parameters of all) PARAMETERS.add(headers, parameters ?? {})
  return headers
}
