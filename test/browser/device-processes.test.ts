// Bindings that two processes serve in turn, and what is left to a thief of all cookies through all that happens to a user.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import { launch, listen, noBrowser, profileFolder } from '../support/browser.ts'
import { BINDING, DeviceVisitor } from '../support/device-browser.ts'
import { DeviceProcesses } from '../support/device-processes.ts'
import { SESSION } from '../support/device.ts'
import { newKey } from '../support/helpers.ts'
import { otherSite, pageAt } from './other-site.ts'

/** Milliseconds after which no proof counts any more, leeway included. */
const PROOF_ENDED = 606_000

describe('a session that Chromium binds', { skip: noBrowser }, () => {
  let browser: Browser
  let site: FastifyInstance
  let other: string

  before(async () => {
    browser = await launch(BINDING)
    site = otherSite()
    other = `https://other.test:${await listen(site)}`
  })
  after(async () => {
    await browser.close()
    await site.close()
  })

  it('12. (Chromium) is served by two processes that share only the key: registration, refreshes and requests, in turn', async t => {
    const app = await DeviceProcesses.start(t, [newKey()])
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(app)
    assert.deepEqual(app.calls.take(), ['registration 200'])
    for (let round = 0; round < 4; round++) {
      if (round === 2) app.turn.others = app.turn.endpoint // and one that answers all
      app.swap()
      assert.deepEqual([await user.user(), await user.state()], ['ann', 'bound'])
      await user.expire()
      assert.deepEqual([await user.user(), await user.state()], ['ann', 'bound'])
      assert.deepEqual(app.calls.take(), ['proof 200'])
    }
  })

  it('4. (Chromium) goes on for its user through a restart, a link and a login at another site, and a rotation of the keys, over two processes, while whoever has copied all cookies reads nothing once the proof has ended', async t => {
    const folder = profileFolder()
    const [key, nextKey] = [newKey(), newKey()]
    const app = await DeviceProcesses.start(t, [key], { session: { cookie: { ...SESSION.cookie, maxAge: 86_400 } } })
    let user = await DeviceVisitor.withProfile(t, folder)

    const steps: Record<string, () => Promise<void>> = {
      'a login': async () => { await user.bind(app) },
      'a restart of the browser': async () => {
        await user.visitor.leave()
        user = await DeviceVisitor.withProfile(t, folder)
        await user.visitor.go(`${app.origin}/page`)
      },
      'a link on another site': async () => { await follow(user, `${app.origin}/page#part`) },
      'a login at another site': async () => {
        await follow(user, pageAt(other, '/redirect', `${app.origin}/callback?user=ann`), `${app.origin}/page`)
        assert.equal(await user.next('creation'), 'Success')
      },
      'a rotation of the keys': async () => {
        await app.rotate(nextKey, key)
        await user.expire()
        assert.equal(await user.user(), 'ann')
        assert.equal(await user.next('creation'), 'Success') // the identifier is renewed
      },
      'the end of the old key': async () => { await app.rotate(nextKey) }
    }
    for (const [step, act] of Object.entries(steps)) {
      await act()
      await robbery(user, app, step)
      app.swap()
    }
  })

  /** Somebody copies all cookies of the user; both go on from there. */
  async function robbery (user: DeviceVisitor, app: DeviceProcesses, step: string): Promise<void> {
    assert.deepEqual([await user.user(), await user.state()], ['ann', 'bound'], step)
    const thief = await user.robbed({ after: () => {} }, browser, app)
    assert.equal(await thief.user(), 'ann', `the thief at once, ${step}`)
    app.calls.take()
    await app.advance(PROOF_ENDED)
    for (const isProvenAnew of [false, true]) {
      const after = `${step}, ${isProvenAnew ? 'after' : 'before'} the next proof of the user`
      assert.deepEqual([await thief.user(), await thief.state()], ['nobody', 'unproven'], `the thief, ${after}`)
      await thief.post('/write', { user: 'mallory' })
      assert.match(await thief.visitor.go(`${app.origin}/page`), /nobody/, `the thief's page, ${after}`)
      assert.deepEqual(app.calls.take(), [], `the thief's browser, ${after}`)
      if (isProvenAnew) break
      await user.expire()
      assert.deepEqual([await user.user(), await user.state()], ['ann', 'bound'], `the user, ${step}`)
      assert.equal(app.calls.take().at(-1), 'proof 200', step)
    }
    await thief.visitor.leave()
  }

  /** Follows a link on a page of another site. */
  async function follow ({ visitor: { page } }: DeviceVisitor, to: string, end = to): Promise<void> {
    await page.goto(pageAt(other, '/link', to))
    await page.locator('a').click()
    await page.waitForURL(end)
    assert.equal(await page.locator('#user').innerText(), 'ann')
  }
})
