import { join } from 'node:path'
import { daemonPath, needPackages } from '../../servers/debian.ts'
import { runChild } from '../../support/child.ts'

/** Debian's own Python, not whatever PATH finds first. */
const PYTHON = '/usr/bin/python3'
const PACKAGES = ['python3-django', 'python3-django-storages', 'python3-django-storages-boto3', 'python3-boto3']

/** The storages that Django's `collectstatic` is run with. */
export type DjangoStorageName =
  | 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage'
  | 'django.contrib.staticfiles.storage.StaticFilesStorage'
  | 'storages.backends.s3boto3.S3ManifestStaticStorage'
  | 'storages.backends.s3boto3.S3StaticStorage'
  /** Django's with a manifest, which also rewrites the names of modules; since Django 4.2. */
  | 'holdall_static.ModulesStorage'

/** A place that Django collects into. */
export interface DjangoSite {
  readonly storage: DjangoStorageName
  /** Global settings, by Django's names. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Default: Debian's, with Django 3.2. */
  readonly python?: string | undefined
}

/** What a step came to. */
export interface StepResult {
  readonly result?: unknown
  /** Class and message of what Python raised. */
  readonly error?: string
}

/** One step: `do` names it, `with` are its arguments. */
export interface DjangoStep {
  readonly do: 'version' | 'location' | 'collect' | 'urls' | 'manifest_hash'
  readonly with?: Readonly<Record<string, unknown>>
}

/** Installs Django and django-storages of Debian where they are missing. */
export function needDjango(): Promise<void> {
  return needPackages(PACKAGES)
}

/** Does the steps one after the other in a process of its own. */
export async function djangoSteps(site: DjangoSite, ...steps: DjangoStep[]): Promise<StepResult[]> {
  const { storage, settings, python = PYTHON } = site
  const nowhere = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }
  const env = { PATH: daemonPath, LANG: 'C.UTF-8', AWS_EC2_METADATA_DISABLED: 'true', ...nowhere }
  const script = join(import.meta.dirname, 'collect.py')
  const input = JSON.stringify({ storage, settings, steps })
  const words = ['-I', '-B', '-X', 'utf8', script]
  const { stdout } = await runChild(python, words, { env, input, timeoutMs: 300_000 })
  return JSON.parse(stdout)
}

/** Does one step; throws what Python raised. */
export async function django<T>(site: DjangoSite, step: DjangoStep['do'], more: DjangoStep['with'] = {}): Promise<T> {
  const [done] = await djangoSteps(site, { do: step, with: more })
  if (done?.error !== undefined) throw new Error(done.error)
  return done?.result as T
}

/** Runs `collectstatic`; gives what it printed, and throws what it raised. */
export function djangoCollects(site: DjangoSite, options: DjangoStep['with'] = {}): Promise<string> {
  return django(site, 'collect', options)
}
