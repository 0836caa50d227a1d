import type { Contender } from './contender.ts'

/** The services that have a benchmark, each with its folder. */
export type ServiceName = 's3' | 'azure' | 'gcs'

/** What Holdall should reach; ratios are to `node:http`. */
export interface Targets {
  /** Most CPU time for a small request. */
  readonly put: number
  readonly get: number
  readonly head: number
  /** Least speed of a large body. */
  readonly up: number
  readonly down: number
  /** Most memory over that of the loaded client. */
  readonly peakMib?: number
  /** Most time over bare Node, for the import and for the first request with it. */
  readonly importMs: number
  readonly firstMs?: number
}

/** One installed client, for what it takes to have it. */
export interface Installed {
  readonly name: string
  readonly imports: readonly string[]
  /** Packages that it needs besides those that are imported. */
  readonly more?: readonly string[]
}

/** What is measured of one service; the module `service.ts` of its folder exports it under this name. */
export interface BenchService {
  readonly name: ServiceName
  /** Everything that is compared, each loaded when it is made; the first is the baseline. */
  readonly contenders: Readonly<Record<string, (endpoint: string) => Contender | Promise<Contender>>>
  /** Programs of processes that ask for the size of one file and end. */
  readonly first: Readonly<Record<string, (endpoint: string) => string>>
  /** Peers; Holdall is added. */
  readonly installed: readonly Installed[]
  readonly targets: Targets
  readonly hasTls: boolean
}

/** The benchmark of a service. */
export async function serviceOf(name: string): Promise<BenchService> {
  const module: { service: BenchService } = await import(`../${name}/service.ts`)
  return module.service
}

/** One line that compares a figure with its target. */
export function judged(what: string, value: number, target: number, isMost: boolean, digits = 2): string {
  const isMet = isMost ? value <= target : value >= target
  const bound = `${isMost ? 'at most' : 'at least'} ${target}`
  return `${isMet ? 'met' : 'MISSED'}: ${what} ${value.toFixed(digits)}, ${bound}`
}
