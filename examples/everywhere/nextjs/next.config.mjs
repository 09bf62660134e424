export default {
  // Loaded by Node.js rather than packed: libsodium's addon is found, and all parts of the app share one copy.
  serverExternalPackages: ['fastify-sealed-session', 'redis']
}
