/** The counters of a migration, as OpenTelemetry's SDK exports them. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, test } from 'vitest'
import { globalMeter } from '../../src/cli/meter.ts'
import { MigrationMeters } from '../../src/transfer/migrate/meters.ts'
import type { MeterLike } from '../../src/transfer/migrate/types.ts'

const TITLES = { source: 's3:photos', target: 'azure:photos' }

/** An SDK in memory, and the sums that it exports: `name unit {attributes}` and their values. */
function sdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  const sums = async (): Promise<Record<string, unknown>> => {
    await provider.forceFlush()
    await provider.shutdown()
    const [resource] = exporter.getMetrics()
    const found = resource?.scopeMetrics.flatMap(scope => scope.metrics) ?? []
    return Object.fromEntries(
      found.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => {
          expect(attributes).toMatchObject(TITLES)
          const { result, code } = attributes
          return [[descriptor.name, descriptor.unit, result, code].filter(Boolean).join(' '), value]
        }),
      ),
    )
  }
  return { provider, sums }
}

test('batches add up to sums by result and code, with units', async () => {
  const { provider, sums } = sdk()
  const meters = new MigrationMeters(provider.getMeter('test'), TITLES)
  meters.add({
    counts: { seen: 100, copied: 90, unchanged: 5, skipped: 2, failed: 3, bytes: 1_000_000 },
    failures: { not_found: 2 },
  })
  meters.add({
    counts: { copied: 10, bytes: 7 },
    attempts: { not_found: 3 },
    pages: { done: 1, retried: 2 },
    throttled: 4,
  })
  meters.add({ counts: { verified: 100, different: 1, extra: 6, deleted: 5 }, pages: { lost: 1, done: 3 } })
  // A repeated name that succeeds lowers the number of failures, which a counter cannot.
  meters.add({ counts: { failed: -1, copied: 1, compared: 3 }, failures: { not_found: -1 }, throttled: 0 })
  meters.add({})
  expect(await sums()).toEqual({
    'holdall.migrate.files {file} copied': 101,
    'holdall.migrate.files {file} unchanged': 5,
    'holdall.migrate.files {file} skipped': 2,
    'holdall.migrate.files {file} failed not_found': 2,
    'holdall.migrate.files {file} failed unknown': 1,
    'holdall.migrate.files {file} verified': 100,
    'holdall.migrate.files {file} different': 1,
    'holdall.migrate.files {file} deleted': 5,
    'holdall.migrate.bytes By': 1_000_007,
    'holdall.migrate.attempts {attempt} not_found': 3,
    'holdall.migrate.pages {page} done': 4,
    'holdall.migrate.pages {page} retried': 2,
    'holdall.migrate.pages {page} lost': 1,
    'holdall.migrate.throttled {request}': 4,
  })
})

test('one call is made for a result of a batch, however many files it has', () => {
  let calls = 0
  const meter: MeterLike = { createCounter: () => ({ add: () => calls++ }) }
  new MigrationMeters(meter, TITLES).add({ counts: { copied: 1_000_000, bytes: 5, unchanged: 0, seen: 1_000_000 } })
  expect(calls).toBe(2)
})

test('without a meter nothing happens, and a meter that throws disturbs nothing', () => {
  const delta = { counts: { copied: 1, bytes: 1 }, attempts: { timeout: 1 }, failures: { timeout: 1 } }
  new MigrationMeters(undefined, TITLES).add(delta)
  let calls = 0
  const fail = (): never => {
    calls++
    throw new Error('exporter')
  }
  new MigrationMeters({ createCounter: fail }, TITLES).add(delta)
  expect(calls).toBe(5)
  new MigrationMeters({ createCounter: () => ({ add: fail }) }, TITLES).add(delta)
  expect(calls).toBe(9)
})

test("the command line counts for the SDK that the program was started with, by OpenTelemetry's global meter", async () => {
  const { provider, sums } = sdk()
  metrics.setGlobalMeterProvider(provider)
  try {
    new MigrationMeters(await globalMeter(), TITLES).add({ counts: { copied: 2 } })
  } finally {
    metrics.disable()
  }
  expect(await sums()).toEqual({ 'holdall.migrate.files {file} copied': 2 })
})

test('without the package of OpenTelemetry there is no meter, and no error', () => {
  const file = join(import.meta.dirname, '../../src/cli/meter.ts')
  const code = `
    import { registerHooks } from 'node:module'
    const error = Object.assign(new Error("Cannot find package '@opentelemetry/api'"), { code: 'ERR_MODULE_NOT_FOUND' })
    const resolve = (name, context, next) => {
      if (name === '@opentelemetry/api') throw error
      return next(name, context)
    }
    registerHooks({ resolve })
    console.log(await (await import(${JSON.stringify(file)})).globalMeter())`
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code]
  expect(execFileSync(process.execPath, flags, { encoding: 'utf8' })).toBe('undefined\n')
})
