// The registry in memory: its room.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryRegistry } from '../../src/registry/index.ts'
import { stopClock } from '../support/configurations.ts'
import { appListing, idsOf, line } from '../support/registry.ts'
import { login, who } from '../support/revocation.ts'

const held = (registry: MemoryRegistry, ...subjects: string[]): string[] => subjects.flatMap(subject => registry.list(subject).map(({ id }) => `${subject} ${id}`))

describe('a registry in memory that is full', () => {
  it('forgets the oldest line of the subject that was written least recently', () => {
    const registry = new MemoryRegistry({ maxEntries: 3 })
    for (const [subject, id] of [['ann', 'a1'], ['bob', 'b1'], ['ann', 'a2']] as const) registry.put(subject, line(id), true)
    registry.put('eve', line('e1'), true)
    assert.deepEqual(held(registry, 'ann', 'bob', 'eve'), ['ann a1', 'ann a2', 'eve e1'])
    registry.put('eve', line('e2'), true)
    assert.deepEqual(held(registry, 'ann', 'bob', 'eve'), ['ann a2', 'eve e1', 'eve e2'])
  })

  it('counts a session that is sealed again as written', () => {
    const registry = new MemoryRegistry({ maxEntries: 2 })
    for (const subject of ['ann', 'bob']) registry.put(subject, line('1'), true)
    registry.put('ann', line('1'), false)
    registry.put('eve', line('1'), true)
    assert.deepEqual(held(registry, 'ann', 'bob', 'eve'), ['ann 1', 'eve 1'])
  })

  it('has room for as many as were removed or have expired', t => {
    const clock = stopClock(t)
    const registry = new MemoryRegistry({ maxEntries: 3 })
    for (const id of ['1', '2', '3']) registry.put('ann', line(id), true)
    registry.remove('ann', '2')
    registry.remove('ann', '2')
    registry.put('bob', line('1'), true)
    assert.deepEqual(held(registry, 'ann', 'bob'), ['ann 1', 'ann 3', 'bob 1'])
    clock.tick(121_000)
    registry.put('ann', line('4'), true)
    for (const id of ['2', '3']) registry.put('bob', line(id), true)
    assert.deepEqual(held(registry, 'ann', 'bob'), ['ann 4', 'bob 2', 'bob 3'])
  })

  it('has the lines of one subject alone, if there are as many', () => {
    const registry = new MemoryRegistry({ maxEntries: 2 })
    for (const id of ['1', '2', '3']) registry.put('ann', line(id), true)
    assert.deepEqual(held(registry, 'ann'), ['ann 2', 'ann 3'])
  })

  it('logs nobody out', async () => {
    const app = await appListing({ store: new MemoryRegistry({ maxEntries: 1 }) })
    const cookies = [await login(app), await login(app, 'bob')]
    assert.deepEqual([await Promise.all(cookies.map(async cookie => await who(app, cookie))), await idsOf(app)], [['ann', 'bob'], []])
  })
})
