// Script of the page: asks the browser for a passkey, and sends its answer.
/* global PublicKeyCredential */

/** Sends a request to the app. Returns its answer, with its status. */
async function post (path, body = {}) {
  const response = await fetch(path, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body)
  })
  return { status: response.status, ...await response.json() }
}

/** Creates a passkey for a new user, who is logged in then. */
async function register (name) {
  const { status, error, ...options } = await post('/register/options', { name })
  if (status !== 200) return { error }
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  return await post('/register', await navigator.credentials.create({ publicKey })) // JSON calls its toJSON()
}

/** Answers the challenge of a path, '/login' or '/confirm', with a passkey. */
async function answer (path) {
  const { status, error, ...options } = await post(`${path}/options`)
  if (status !== 200) return { error }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  return await post(path, await navigator.credentials.get({ publicKey }))
}

/** Has the app make recovery codes. If it wants to see the passkey again, the user shows it, and the app is asked again. */
async function makeCodes () {
  const first = await post('/recovery-codes')
  if (first.code !== 'FST_SEALED_SESSION_NOT_FRESH') return first
  const { error } = await answer('/confirm')
  return error === undefined ? await post('/recovery-codes') : { error }
}

const said = document.querySelector('#said')

/** Runs an action, and shows how it ended. */
async function show (action) {
  said.textContent = ''
  try {
    const { error, message, user, codes } = await action()
    said.textContent = error === undefined ? codes?.join(' ') ?? (user ? `Hello ${user}` : 'Nobody is logged in.') : message ?? error
  } catch (error) {
    said.textContent = error.message // the user has cancelled, or the browser has no such passkey
  }
}

document.querySelector('#register').addEventListener('submit', event => {
  event.preventDefault()
  show(() => register(new FormData(event.target).get('name')))
})
document.querySelector('#login').addEventListener('click', () => show(() => answer('/login')))
document.querySelector('#codes').addEventListener('click', () => show(makeCodes))
document.querySelector('#logout').addEventListener('click', () => show(() => post('/logout')))
