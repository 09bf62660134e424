// A Jest transform: ES modules to CommonJS.
const ts = require('typescript')

module.exports = {
  process: code => ({ code: ts.transpileModule(code, { compilerOptions: { module: 'commonjs', target: 'es2022' } }).outputText })
}
