import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { attempt, WorkCounter } from '../support/work.ts'

const counter = await WorkCounter.start()
// After the counter was started, which counts only in code that is loaded then.
const { closeTargets, targets } = await import('./targets.ts')
afterAll(async () => {
  await closeTargets()
  await counter[Symbol.asyncDispose]()
})

/** Characters; in CI more of them. */
const LENGTH = process.env['HOLDALL_TESTS'] === 'full' ? 25_000 : 6000
/** Blocks that are entered, and steps of each expression, for a character. */
const PER_CHARACTER = 60
/** Blocks that a call may take whatever its input is. */
const BASE = 5000

/** Parts at the beginning, in the middle, again and again, and at the end. */
interface Shape {
  readonly begin: readonly string[]
  readonly unit: readonly string[]
  readonly end: readonly string[]
}

function shapes(parts: readonly string[]): fc.Arbitrary<Shape> {
  const some = (minLength: number, maxLength: number) => fc.array(fc.constantFrom(...parts), { minLength, maxLength })
  return fc.record({ begin: some(0, 2), unit: some(1, 3), end: some(0, 2) })
}

function build({ begin, unit, end }: Shape, length: number): string {
  const middle = unit.join('')
  return begin.join('') + middle.repeat(length / middle.length) + end.join('')
}

/** Blocks that twice the length may take: a little over twice as many. */
function most(blocks: number): number {
  return 2.2 * blocks + BASE
}

describe('work on what others send grows no faster than its length', () => {
  it.each(targets.map(target => [target.title, target] as const))('%s', async (_, target) => {
    const { parts, length = LENGTH, run } = target
    await fc.assert(
      fc.asyncProperty(shapes(parts), async shape => {
        // What is loaded and compiled at its first use is counted from its second.
        await attempt(() => run(build(shape, 200)))
        await counter.reset()
        const both = async (whole: string) => ({
          first: await counter.blocksOf(() => run(build(shape, whole.length / 2))),
          // Steps that are too many for half are so for the whole.
          second: await counter.next(() => run(whole), PER_CHARACTER * whole.length + BASE),
        })
        let whole = build(shape, length)
        let { first, second } = await both(whole)
        // The engine may lose the counters of a call, about once in 2,000. Growth that is real shows every time.
        for (let again = 0; again < 2 && second.blocks >= most(first); again++) ({ first, second } = await both(whole))
        if (second.blocks >= most(first)) {
          // A long text may go another way than a short one. Where that is all, twice the length takes twice as much again.
          whole = build(shape, 2 * length)
          ;({ first, second } = await both(whole))
        }
        expect(second.slow).toBeUndefined()
        expect(second.blocks).toBeLessThan(most(first))
        expect(second.blocks).toBeLessThan(PER_CHARACTER * whole.length + BASE)
      }),
      { numRuns: 4 },
    )
  })
})

describe('work that grows faster', () => {
  const inLoops = async (input: string) => {
    const { ContentFile } = await import('../../src/files/content-file.ts')
    // Each call goes from the beginning to the end.
    for (let at = 0; at < input.length; at += 10) await new ContentFile(input).readLine()
  }

  it('is found in code and in expressions', async () => {
    const blocks = async (length: number) => (await counter.of(() => inLoops('a'.repeat(length)), 0)).blocks
    expect((await blocks(2000)) / (await blocks(1000))).toBeGreaterThan(3.5)
    const slow = await counter.of(() => `${'/'.repeat(3000)}x`.replace(/\/+$/, ''), PER_CHARACTER * 3000)
    expect(slow.slow).toMatch(/^\/\\\/\+\$\/ on /)
  })
})
