import { importOptional } from '../core/optional.ts'
import type { MeterLike } from '../transfer/migrate/types.ts'

/** The part of `@opentelemetry/api` that is used. */
interface Api {
  readonly metrics: { getMeter(name: string): MeterLike }
}

/**
 * Returns OpenTelemetry's global meter, which counts for the SDK that the program was started with (`node --import ./otel.js`). Undefined
 * without the package `@opentelemetry/api`; a package that cannot be used is no error either.
 */
export async function globalMeter(): Promise<MeterLike | undefined> {
  try {
    const { metrics } = await importOptional<Api>('@opentelemetry/api', 'Metrics')
    return metrics.getMeter('holdall')
  } catch {
    return undefined
  }
}
