// Export of `require()` of this part of the package: the plugin itself, with the named exports on it.
const surface = require('./index.js')
module.exports = Object.assign(surface.default, surface)
