// Export of `require()` of this package: the plugin itself, which has the named exports on it. In two steps: Node.js reads
// the exports of a file that an ES module imports from its text, and would read all of ./index.js for them.
const { default: plugin } = require('./index.js')
module.exports = plugin
