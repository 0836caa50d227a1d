import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dependencyGroups } from '../../src/static/graph.ts'

const groupsOf = (edges: Record<string, string[]>) =>
  dependencyGroups(new Map(Object.entries(edges))).map(group => group.sort())

describe('groups of names that refer to each other', () => {
  test('each name comes after those that it refers to', () => {
    expect(groupsOf({ a: ['b', 'c'], b: ['c'], c: [] })).toEqual([['c'], ['b'], ['a']])
  })

  test('a cycle is one group, and what refers to it comes after it', () => {
    expect(groupsOf({ x: ['a'], a: ['b'], b: ['a', 'leaf'], leaf: [] })).toEqual([['leaf'], ['a', 'b'], ['x']])
  })

  test('a name that refers to itself, or to one that is no key, is a group of its own', () => {
    expect(groupsOf({ a: ['a', 'elsewhere'] })).toEqual([['a']])
  })

  test('a chain of 200,000 names needs no deep stack', () => {
    const count = 200_000
    const chain = new Map(Array.from({ length: count }, (_, at) => [`n${at}`, [`n${at + 1}`]]))
    const groups = dependencyGroups(chain)
    expect(groups).toHaveLength(count)
    expect(groups[0]).toEqual([`n${count - 1}`])
  })

  test('holds for any graph: every name once, targets first, and one group exactly where there is a way both ways', () => {
    const graph = fc
      .integer({ min: 1, max: 9 })
      .chain(size => fc.array(fc.array(fc.nat(size - 1), { maxLength: 4 }), { minLength: size, maxLength: size }))
    fc.assert(
      fc.property(graph, edges => {
        const reach = edges.map((_, from) => {
          const seen = new Set<number>()
          const open = [...edges[from]!]
          for (let to = open.pop(); to !== undefined; to = open.pop()) {
            if (!seen.has(to)) open.push(...edges[to]!)
            seen.add(to)
          }
          return seen
        })
        const groups = dependencyGroups(new Map(edges.map((to, from) => [`${from}`, to.map(String)])))
        const groupOf = new Map(groups.flatMap((group, at) => group.map(name => [Number(name), at] as const)))
        expect(groups.flat().sort()).toEqual(edges.map((_, at) => `${at}`).sort())
        for (const [from, to] of edges.flatMap((targets, at) => targets.map(target => [at, target] as const))) {
          expect(groupOf.get(to)!).toBeLessThanOrEqual(groupOf.get(from)!)
        }
        for (const a of groupOf.keys()) {
          for (const b of groupOf.keys()) {
            if (a === b) continue
            expect(groupOf.get(a) === groupOf.get(b)).toBe(reach[a]!.has(b) && reach[b]!.has(a))
          }
        }
      }),
    )
  })
})
