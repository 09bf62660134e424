/* global document */
// Shows what the server said of the session.
import { STATUS, leftWords, minutes, reasonWords, thiefWords, youWords } from './words.js'

/** What a browser takes, in bytes a cookie. */
const COOKIE_LIMIT = 4096

/** What two cookies of one session may take in all. */
const TOTAL_LIMIT = 7168

export const byId = id => document.getElementById(id)

/**
 * @param state what `GET /state` answered with, and what this page makes of it
 * @param previous the cookies before those that the browser has now, or none
 */
export function show (state, previous) {
  showForms(state)
  showLimits(state)
  showCookies(state, previous)
  showContent(state)
  showKeys(state)
  showLog(state)
}

/** The two who have the cookie. @param thief what a client reads that sends the copy; null without one */
export function showStory ({ info, data }, thief) {
  pill('you', info.status, youWords(info, data))
  pill('thief', thief?.status ?? 'new', thiefWords(thief))
  next('steal', data !== null && thief?.status !== 'valid')
  next('logout-everywhere', data !== null && thief?.status === 'valid')
}

function next (action, isNext) {
  document.querySelector(`[data-action=${action}]`).classList.toggle('primary', isNext)
}

function pill (id, status, words) {
  byId(id).textContent = words
  byId(id).className = `pill ${status}`
}

function showForms ({ data }) {
  const focused = byId('login').contains(document.activeElement) || byId('member').contains(document.activeElement)
  const switched = byId('member').hidden === (data !== null)
  byId('login').hidden = data !== null
  byId('logged-in').hidden = byId('member').hidden = data === null
  byId('no-member').hidden = data !== null
  byId('who').textContent = data?.name ?? ''
  byId('visits').textContent = data?.visits ?? ''
  byId('books').textContent = data?.cart?.length ?? 0
  showNote(data?.note ?? '')
  // Somebody who pressed a button that is gone now goes on with the next step.
  if (switched && focused) (data === null ? byId('name') : document.querySelector('[data-action=steal]')).focus()
}

/** Leaves alone what somebody is writing, unless another note is in the session. */
function showNote (note) {
  const field = byId('note')
  if (field.defaultValue !== note) field.defaultValue = field.value = note
}

function showLimits ({ limits, data }) {
  byId('limits').hidden = limits === null
  byId('no-life').hidden = limits !== null
  byId('first').textContent = limits === null ? '' : `The ${limits.first} limit ends first`
  if (limits === null) return
  const remembered = data.remembered === true ? ', since you asked to be remembered' : ''
  byId('idle-hint').textContent = `${minutes(limits.idle.seconds)} after the last write${remembered}.`
  byId('absolute-hint').textContent = `${minutes(limits.absolute.seconds)} after the login.`
  showLeft(limits)
}

/** The time that is left. Counts down while the page is open. */
export function showLeft (limits) {
  for (const name of ['idle', 'absolute']) {
    const { endsAt, seconds } = limits[name]
    const left = endsAt - Date.now()
    byId(name).max = seconds
    byId(name).value = left / 1000
    byId(`${name}-left`).textContent = leftWords(left)
  }
}

function showCookies (state, previous) {
  const { cookies } = state
  const changed = changedPlace(cookies, previous)
  byId('cookies').replaceChildren(...cookies.length === 0
    ? [element('p', 'token empty', 'No cookie')]
    : cookies.map((cookie, index) => cookieView(cookie, changed?.index === index ? changed.place : null)))
  showMark()
  byId('change').textContent = changeWords(state, changed)
  const bytes = cookies.reduce((sum, cookie) => sum + cookie.bytes, 0)
  byId('size').value = bytes
  byId('size-text').textContent = `${bytes} of ${TOTAL_LIMIT} bytes in all`
}

function cookieView ({ name, value, bytes }, changed) {
  const shown = changed === null
    ? [value]
    : [value.slice(0, changed), element('mark', '', value.charAt(changed)), value.slice(changed + 1)]
  const token = element('p', 'token', ...shown)
  // It may scroll: so the keyboard must reach it, and a screen reader must have a name for it.
  Object.assign(token, { tabIndex: 0, role: 'group', ariaLabel: `Value of ${name}` })
  return element('div', 'cookie',
    element('p', 'cookie-name', element('code', '', name), element('span', '', `${bytes} of ${COOKIE_LIMIT} bytes`)),
    token)
}

/** Only what is on the page can be scrolled. */
function showMark () {
  const mark = document.querySelector('.token mark')
  if (mark !== null) mark.parentElement.scrollTop = mark.offsetTop - mark.parentElement.clientHeight / 2
}

/** The place where the cookies differ from the previous ones, if that is one character only. */
function changedPlace (cookies, previous) {
  if (cookies.length !== previous.length) return null
  const places = cookies.flatMap(({ value }, index) => differences(value, previous[index].value).map(place => ({ index, place })))
  return places.length === 1 ? places[0] : null
}

function differences (a, b) {
  if (a.length !== b.length) return [0, 1] // more than one
  return [...a].flatMap((character, place) => character === b[place] ? [] : [place])
}

function changeWords ({ cookies, isNew, resealed }, changed) {
  if (cookies.length === 0) return ''
  if (!isNew) return 'Unchanged'
  if (resealed !== null) return 'Sealed again'
  if (changed !== null) return 'One character changed'
  return cookies.length === 1 ? 'New cookie' : `${cookies.length} new cookies`
}

function showContent ({ info, data, resealed }) {
  pill('status', info.status, STATUS[info.status].label)
  byId('content').textContent = data === null ? STATUS[info.status].content : JSON.stringify(data, null, 2)
  byId('content').classList.toggle('empty', data === null)
  byId('info').replaceChildren(...infoRows(info, resealed).map(([name, ...words]) =>
    element('div', '', element('dt', '', name), element('dd', '', ...words))))
}

function infoRows (info, resealed) {
  const { status, keyId, format, createdAt, lastWriteAt, expiresAt, id } = info
  const reason = status === 'rejected' ? [['Reason', element('code', '', info.reason), `: ${reasonWords(info)}`]] : []
  const rows = [['Status', element('code', '', status)], ...reason]
  if (status !== 'valid') return rows
  return [
    ...rows,
    ['Key', element('code', '', keyId), resealed === 'rotation' ? ' sealed it again' : ' opened it'],
    ['Format', element('code', '', format)],
    ['Id', element('code', '', id)],
    ['Created', clock(createdAt)],
    ['Last write', clock(lastWriteAt)],
    ['Expires', clock(expiresAt)]
  ]
}

function showKeys ({ keys }) {
  byId('keys').replaceChildren(...keys.map((id, index) =>
    element('li', index === 0 ? 'seals' : 'opens', 'Key ', element('code', '', id), index === 0 ? ' seals' : ' opens')))
}

function showLog ({ log }) {
  byId('log').replaceChildren(...log.map(({ time, level, text }) =>
    element('li', level, element('time', '', clock(time)), ` ${text}`)))
  byId('log').scrollTop = byId('log').scrollHeight
}

export function element (name, className, ...children) {
  const node = document.createElement(name)
  node.className = className
  node.append(...children)
  return node
}

export function clock (time) {
  return new Date(time).toLocaleTimeString('en-GB')
}
