import { ImproperlyConfigured } from '../core/errors.ts'
import type { KnownOptions } from '../core/known-options.ts'
import { dispositionText } from './parameters.ts'
import { type PostCondition, type PostForm, type PostPolicyOptions, postPolicy } from './sign/post-policy.ts'
import type { SigningCredentials } from './sign/query.ts'

/** The upload that a browser form allows. */
export interface UploadFormOptions {
  /** Lifetime in seconds. Default: `querystringExpire`. */
  readonly expiresInSecs?: number | undefined
  /** Maximum size of the file in bytes. */
  readonly maxSize?: number | undefined
  /** The content type that the form must send. A value that ends in '/' allows every type with this beginning. */
  readonly contentType?: string | undefined
  readonly fields?: Readonly<Record<string, string>> | undefined
  readonly conditions?: readonly PostCondition[] | undefined
}

/** The names of all form options. */
export const FORM_OPTIONS: KnownOptions<UploadFormOptions> = {
  expiresInSecs: true,
  maxSize: true,
  contentType: true,
  fields: true,
  conditions: true,
}

/** The target of a form, and the keys that sign it. */
export type FormTarget = Omit<PostPolicyOptions, 'expiresInSecs' | 'fields' | 'conditions'>

/** Signs a form that uploads one key. Code `improperly_configured` without keys. */
export function uploadForm(
  credentials: SigningCredentials | null,
  target: FormTarget,
  options: UploadFormOptions,
  lifeSecs: number,
): PostForm {
  if (credentials === null) throw new ImproperlyConfigured('A form must be signed, but no keys are used.')
  return postPolicy(credentials, formPolicy(target, options, lifeSecs))
}

/** The policy to sign for a form that uploads one key. */
export function formPolicy(target: FormTarget, options: UploadFormOptions, lifeSecs: number): PostPolicyOptions {
  const { maxSize, contentType, expiresInSecs = lifeSecs } = options
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.fields ?? {})) {
    fields[name] = name.toLowerCase() === 'content-disposition' ? dispositionText(name, value) : value
  }
  const conditions: PostCondition[] = [...(options.conditions ?? [])]
  if (maxSize !== undefined) conditions.push(['content-length-range', 0, maxSize])
  if (contentType?.endsWith('/')) conditions.push(['starts-with', '$Content-Type', contentType])
  else if (contentType !== undefined) fields['Content-Type'] = contentType
  return { ...target, expiresInSecs, fields, conditions }
}
